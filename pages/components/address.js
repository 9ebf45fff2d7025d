// A control that is bound to the address writes its value there in place of the entry before, and
// so Back would lead past every choice. Here a choice becomes an entry of its own. What follows on
// Back and Forward themselves is no choice, until a hand does something again.
//
// Whoever follows a link to another page leaves the one before as it was: that its choices are no
// more in the address is said before the other page comes, and makes no entry. What the other page
// then puts there by itself belongs to the entry that the link made.

function begin() {
  const replace = history.replaceState.bind(history), push = history.pushState.bind(history);
  let travelling = false, leaving = false, arrived = false;
  window.addEventListener("popstate", () => (travelling = true), true);
  for (const name of ["pointerdown", "keydown"]) {
    document.addEventListener(name, (event) => {
      travelling = false;
      leaving = !!event.target.closest?.("a");
      arrived = false;
    }, true);
  }
  const here = (url) => {
    const to = new URL(url ?? location, location);
    return to.pathname === location.pathname && to.search !== location.search;
  };
  history.replaceState = (state, title, url) => {
    if (!travelling && here(url)) push(state, title, url);
    else replace(state, title, url);
  };
  history.pushState = (state, title, url) => {
    const same = here(url);
    if (!leaving || !same) push(state, title, url);
    else if (arrived) replace(state, title, url);
    arrived ||= leaving && !same;
  };
  return true;
}

export default function () {
  window.earshotAddress ??= begin();
}
