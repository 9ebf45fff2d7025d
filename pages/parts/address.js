// A control that is bound to the address writes its value there in place of the entry before, and
// so Back would lead past every choice. Here a choice becomes an entry of its own. What follows on
// Back and Forward themselves is no choice, nor what follows on a press of what leads elsewhere,
// which clears the address of the page that is left; until a hand does something again.

const LEADING = 'a, [data-testid="stButton"]';

function begin() {
  const replace = history.replaceState.bind(history);
  let travelling = false;
  window.addEventListener("popstate", () => (travelling = true), true);
  for (const name of ["pointerdown", "keydown"]) {
    document.addEventListener(name, (event) => (travelling = !!event.target.closest?.(LEADING)), true);
  }
  history.replaceState = (state, title, url) => {
    const to = new URL(url ?? location, location);
    const chosen = !travelling && to.pathname === location.pathname && to.search !== location.search;
    if (chosen) history.pushState(state, title, url);
    else replace(state, title, url);
  };
  return true;
}

export default function () {
  window.earshotAddress ??= begin();
}
