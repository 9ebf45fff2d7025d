// The choice of light, dark or system colours, remembered for all pages.

// Streamlit remembers its own choice per page, and changes it only by its menu. In its setting "System"
// it follows `matchMedia`, so that query answers with the choice made here.
const THEME_STORAGE_KEY = "earshot-theme";
const STREAMLIT_THEME_KEY_START = "stActiveTheme-";
const THEME_SELECT = "select[data-theme-choice]";
const askSystem = window.matchMedia.bind(window);
const systemPrefersDark = askSystem("(prefers-color-scheme: dark)");
const colourSchemeQueries = new Map();
let themeChoice = "system";

// A browser that forbids storage still switches the theme, until the page is left.
function useStorage(action) {
  try {
    return action(window.localStorage);
  } catch {
    return null;
  }
}

// Answers `(prefers-color-scheme: …)` as a MediaQueryList does.
class ColourSchemeQuery extends EventTarget {
  constructor(media) {
    super();
    this.media = media;
    this.onchange = null;
  }

  get matches() {
    const isDark = themeChoice === "system" ? systemPrefersDark.matches : themeChoice === "dark";
    return this.media.includes("dark") === isDark;
  }

  addListener(listener) {
    this.addEventListener("change", listener);
  }

  removeListener(listener) {
    this.removeEventListener("change", listener);
  }
}

window.matchMedia = (media) => {
  if (!/^\s*\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)\s*$/.test(media)) return askSystem(media);
  if (!colourSchemeQueries.has(media)) colourSchemeQueries.set(media, new ColourSchemeQuery(media));
  return colourSchemeQueries.get(media);
};

// Removes the choice of Streamlit's menu, on every page, and returns it: "light", "dark" or null.
function takeStreamlitTheme() {
  return useStorage((storage) => {
    const keys = Object.keys(storage).filter((key) => key.startsWith(STREAMLIT_THEME_KEY_START));
    const themes = keys.map((key) => String(storage.getItem(key)).replaceAll('"', "").toLowerCase());
    keys.forEach((key) => storage.removeItem(key));
    return themes.find((theme) => theme === "light" || theme === "dark") ?? null;
  });
}

function announceTheme() {
  for (const query of colourSchemeQueries.values()) {
    const event = new Event("change");
    event.media = query.media;
    event.matches = query.matches;
    query.onchange?.(event);
    query.dispatchEvent(event);
  }
  showThemeChoice();
}

function showThemeChoice() {
  for (const select of document.querySelectorAll(THEME_SELECT)) {
    if (select.value !== themeChoice) select.value = themeChoice;
  }
}

function setThemeChoice(choice) {
  themeChoice = ["light", "dark"].includes(choice) ? choice : "system";
  useStorage((storage) => storage.setItem(THEME_STORAGE_KEY, themeChoice));
}

setThemeChoice(takeStreamlitTheme() ?? useStorage((storage) => storage.getItem(THEME_STORAGE_KEY)));
systemPrefersDark.addEventListener("change", announceTheme);
window.addEventListener("storage", (event) => {
  if (event.key !== THEME_STORAGE_KEY) return;
  setThemeChoice(event.newValue);
  announceTheme();
});
document.addEventListener("change", (event) => {
  if (!event.target.matches?.(THEME_SELECT)) return;
  setThemeChoice(event.target.value);
  // Streamlit ignores the query after a choice in its own menu, until it starts again.
  if (takeStreamlitTheme()) location.reload();
  else announceTheme();
});
