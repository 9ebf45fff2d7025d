// Versions of the code and named snippets, kept in the browser: a reload loses nothing. The tab's
// own code comes before that of other tabs. A browser that refuses storage keeps them in memory.

const MAX_VERSIONS = 50;
const MAX_LINK_CHARS = 2000;
const CODE_KEY = "earshot:code";
const VERSIONS_KEY = "earshot:code-versions";
const SNIPPETS_KEY = "earshot:snippets";
const memory = new Map();

function readStored(key, fallback, storage = "localStorage") {
  try {
    return JSON.parse(window[storage].getItem(key)) ?? memory.get(key) ?? fallback;
  } catch {
    return memory.get(key) ?? fallback;
  }
}

function writeStored(key, value, storage = "localStorage") {
  memory.set(key, value);
  try {
    window[storage].setItem(key, JSON.stringify(value));
  } catch {
    // Storage is full or refused; the value stays in memory.
  }
}

export const readCode = () => readStored(CODE_KEY, null, "sessionStorage") ?? readStored(CODE_KEY, null);
// Versions, oldest first: {code, time}.
const readVersions = () => readStored(VERSIONS_KEY, []);
const readSnippets = () => readStored(SNIPPETS_KEY, {});

export function storeCode(code) {
  writeStored(CODE_KEY, code, "sessionStorage");
  writeStored(CODE_KEY, code);
}

// Stores the code as the newest version, unless it is that already.
function recordVersion(code) {
  storeCode(code);
  const versions = readVersions();
  if (versions.at(-1)?.code === code || !code.trim()) return;
  versions.push({ code, time: Date.now() });
  writeStored(VERSIONS_KEY, versions.slice(-MAX_VERSIONS));
}

function storeSnippet(name, code) {
  writeStored(SNIPPETS_KEY, { ...readSnippets(), [name]: code });
}

function deleteSnippet(name) {
  const { [name]: _, ...others } = readSnippets();
  writeStored(SNIPPETS_KEY, others);
}

// Returns the address of Listen with this code; null if the code is too long for an address.
function buildLink(code) {
  if (code.length > MAX_LINK_CHARS) return null;
  const bytes = String.fromCharCode(...new TextEncoder().encode(code));
  const text = btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const path = location.pathname.replace(/[^/]*$/, "listen");
  return `${location.origin}${path}?snippet=${text}`;
}

function fillSelect(select, placeholder, options) {
  const first = new Option(placeholder, "");
  select.replaceChildren(first, ...options.map(([value, text]) => new Option(text, value)));
  select.value = "";
}

// The controls below the editor. `editor` has getCode(), replaceCode(code, isNewVersion), undo() and
// redo().
export function createVersionControls(root, editor) {
  const find = (name) => root.querySelector(`[data-control="${name}"]`);
  const status = find("status");
  let position = null; // The version that undo and redo show; null for the newest.

  const describe = ({ code, time }) =>
    `${new Date(time).toLocaleString([], { dateStyle: "short", timeStyle: "short" })} · ` +
    (code.trim().split("\n")[0] ?? "").slice(0, 40);
  const refresh = () => {
    const versions = readVersions();
    const options = versions.map((version, index) => [String(index), describe(version)]);
    fillSelect(find("history"), "History", options.reverse());
    fillSelect(find("snippets"), "Snippets", Object.keys(readSnippets()).sort().map((n) => [n, n]));
  };
  const showVersion = (index) => {
    const versions = readVersions();
    if (!versions[index]) return false;
    editor.replaceCode(versions[index].code, false);
    position = index;
    return true;
  };
  // Shows an older (step -1) or newer version.
  const step = (step_) => {
    const versions = readVersions();
    let index = position ?? versions.findLastIndex(({ code }) => code === editor.getCode());
    if (index < 0) index = versions.length; // The code is newer than every version.
    return showVersion(index + step_);
  };

  find("undo").addEventListener("click", () => editor.undo());
  find("redo").addEventListener("click", () => editor.redo());
  find("history").addEventListener("change", (event) => {
    if (event.target.value !== "") showVersion(Number(event.target.value));
    refresh();
  });
  find("snippets").addEventListener("change", (event) => {
    const name = event.target.value;
    if (name === "") return;
    editor.replaceCode(readSnippets()[name], true);
    find("name").value = name;
    refresh();
  });
  find("save").addEventListener("click", () => {
    const name = find("name").value.trim();
    if (!name) {
      status.textContent = "Type a name for the snippet first.";
      find("name").focus();
      return;
    }
    storeSnippet(name, editor.getCode());
    status.textContent = `Saved as ${name} in this browser.`;
    refresh();
  });
  find("delete").addEventListener("click", () => {
    const name = find("name").value.trim();
    const isSaved = Object.hasOwn(readSnippets(), name);
    deleteSnippet(name);
    status.textContent = isSaved ? `Deleted ${name}.` : "No snippet has that name.";
    refresh();
  });
  find("link").addEventListener("click", async () => {
    const link = buildLink(editor.getCode());
    if (link === null) {
      status.textContent = `Longer than ${MAX_LINK_CHARS} characters: too long for a link.`;
      return;
    }
    try {
      await navigator.clipboard.writeText(link);
      status.textContent = "Link copied.";
    } catch {
      status.textContent = link; // The browser refuses the clipboard, so the user copies it.
    }
  });
  for (const control of root.querySelectorAll("[data-control]"))
    control.addEventListener("keydown", (event) => event.stopPropagation());
  refresh();
  return {
    step,
    record: (code) => {
      recordVersion(code);
      position = null;
      refresh();
    },
  };
}
