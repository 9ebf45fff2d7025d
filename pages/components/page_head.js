// Runs before Streamlit's scripts, in the head of every page.

// Without it, a page such as /map first asks for /map/_stcore/health, which does not exist: two errors
// in the browser's console, and a round trip more before the page can connect.
window.__streamlit = { BACKEND_BASE_URL: `${location.origin}/` };

// Streamlit may draw the first elements before it has applied the theme of its settings, which then changes
// all sizes. The style sheet hides the page until this attribute is set.
const THEME_FONT_SIZE = "15px"; // `theme.baseFontSize` in .streamlit/config.toml.
const MAX_THEME_WAIT_MS = 3000; // After that, the page is shown in whatever theme it has.
let drawnSince = null; // Time of the first frame with a page.
function showPageWhenThemeIsApplied(timestamp) {
  const { documentElement } = document;
  const isApplied = getComputedStyle(documentElement).fontSize === THEME_FONT_SIZE;
  const isDrawn = document.querySelector('[data-testid="stMain"]');
  if (isDrawn) drawnSince ??= timestamp;
  if (isDrawn && (isApplied || timestamp - drawnSince > MAX_THEME_WAIT_MS)) {
    documentElement.dataset.themeApplied = String(isApplied);
    requestAnimationFrame(() => setTimeout(runLargeScripts)); // After the page has been painted.
  } else {
    requestAnimationFrame(showPageWhenThemeIsApplied);
  }
}
requestAnimationFrame(showPageWhenThemeIsApplied);

// Streamlit runs the script of an element when it first draws one. A large script takes a second: it runs
// while the server is still drawing the page.
function runLargeScripts() {
  for (const link of document.querySelectorAll("link[rel=modulepreload][data-runs-early]")) {
    import(link.href).catch(() => {}); // Streamlit loads it again, and shows the error.
  }
}

// Makes code that scrolls reachable by keyboard.
function makeCodeFocusable() {
  for (const code of document.querySelectorAll(".stCode pre:not([tabindex])")) {
    code.tabIndex = 0;
    code.setAttribute("role", "region");
    code.setAttribute("aria-label", "Code");
  }
}

// A pressed star is replaced by a button of another name: the focus follows, so that a keyboard user
// stays in its row.
let focusedStar = null; // {button, selector} while a star has the focus or has just been replaced.
document.addEventListener("focusin", ({ target }) => {
  const container = target.closest('[class*="st-key-star-"]');
  const name = [...(container?.classList ?? [])].find((item) => item.startsWith("st-key-star-"));
  const prefix = name?.replace(/-(add|remove)$/, "");
  focusedStar = name ? { button: target, selector: `.${prefix}-add button, .${prefix}-remove button` } : null;
});
document.addEventListener("pointerdown", ({ target }) => {
  if (!target.closest('[class*="st-key-star-"]')) focusedStar = null;
});
function keepFocusOnStar() {
  if (!focusedStar || focusedStar.button.isConnected || document.activeElement !== document.body) return;
  document.querySelector(focusedStar.selector)?.focus({ preventScroll: true });
}

document.addEventListener("DOMContentLoaded", () => {
  let isScheduled = false;
  new MutationObserver(() => {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(() => {
      isScheduled = false;
      makeCodeFocusable();
      keepFocusOnStar();
      showThemeChoice();
    });
  }).observe(document.body, { childList: true, subtree: true });
});
