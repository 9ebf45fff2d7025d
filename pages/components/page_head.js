// Runs before Streamlit's scripts, in the head of every page.

// Without it, a page such as /map first asks for /map/_stcore/health, which does not exist: two errors
// in the browser's console, and a round trip more before the page can connect.
window.__streamlit = { BACKEND_BASE_URL: `${location.origin}/` };

// Makes code that scrolls reachable by keyboard.
function makeCodeFocusable() {
  for (const code of document.querySelectorAll(".stCode pre:not([tabindex])")) {
    code.tabIndex = 0;
    code.setAttribute("role", "region");
    code.setAttribute("aria-label", "Code");
  }
}

document.addEventListener("DOMContentLoaded", () => {
  let isScheduled = false;
  new MutationObserver(() => {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(() => {
      isScheduled = false;
      makeCodeFocusable();
      showThemeChoice();
    });
  }).observe(document.body, { childList: true, subtree: true });
});
