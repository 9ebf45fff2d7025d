// Streamlit writes the value of a widget that is bound to the URL into the current history entry.
// Back would then skip all choices on a page. This script makes each choice an entry of its own.
// Changes that follow a Back or Forward are not choices, until the user acts again.
//
// When the user follows a link to another page, Streamlit first removes the old page's parameters
// from the URL. That must not make an entry. What the new page then writes by itself belongs to the
// entry of the link.

function patchHistory() {
  const replaceState = history.replaceState.bind(history);
  const pushState = history.pushState.bind(history);
  let isNavigatingBack = false;
  let isFollowingLink = false;
  let hasPageChanged = false;

  window.addEventListener("popstate", () => (isNavigatingBack = true), true);
  for (const name of ["pointerdown", "keydown"]) {
    document.addEventListener(name, (event) => {
      isNavigatingBack = false;
      isFollowingLink = !!event.target.closest?.("a");
      hasPageChanged = false;
    }, true);
  }

  const changesParametersOnly = (url) => {
    const target = new URL(url ?? location, location);
    return target.pathname === location.pathname && target.search !== location.search;
  };

  history.replaceState = (state, title, url) => {
    if (!isNavigatingBack && changesParametersOnly(url)) pushState(state, title, url);
    else replaceState(state, title, url);
  };

  history.pushState = (state, title, url) => {
    const isSamePage = changesParametersOnly(url);
    if (!isFollowingLink || !isSamePage) pushState(state, title, url);
    else if (hasPageChanged) replaceState(state, title, url);
    hasPageChanged ||= isFollowingLink && !isSamePage;
  };
  return true;
}

export default function () {
  window.earshotUrlHistory ??= patchHistory();
}
