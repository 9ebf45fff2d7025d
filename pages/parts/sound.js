// One sound at a time, the space bar, and a waveform that shows and sets where a clip is.
// Runs once a browser tab; it listens on the document, so players may come and go.
export default function () {
  if (window.earshotSound) return;
  window.earshotSound = true;

  let last = null;
  const box = (element) => element.closest?.('[class*="st-key-clip"]');
  const waveform = (audio) => box(audio)?.querySelector(".waveform");

  const show = (audio) => {
    const part = audio.duration ? audio.currentTime / audio.duration : 0;
    waveform(audio)?.style.setProperty("--played", part);
  };
  const follow = (audio) => {
    show(audio);
    if (!audio.paused && audio.isConnected) requestAnimationFrame(() => follow(audio));
  };

  // Media events don't bubble; a capturing listener hears them all the same.
  document.addEventListener("play", (event) => {
    last = event.target;
    for (const other of document.querySelectorAll("audio")) {
      if (other !== last) other.pause();
    }
    follow(last);
  }, true);
  document.addEventListener("seeking", (event) => show(event.target), true);
  document.addEventListener("ended", (event) => show(event.target), true);

  document.addEventListener("click", (event) => {
    const picture = event.target.closest?.(".waveform");
    const audio = picture && box(picture)?.querySelector("audio");
    if (!audio) return;
    const { left, width } = picture.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - left) / width));
    const start = () => {
      audio.currentTime = part * audio.duration;
      audio.play().catch(() => {});
    };
    if (audio.readyState > 0) start();
    else {
      audio.addEventListener("loadedmetadata", start, { once: true });
      audio.load();
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.code !== "Space" || event.ctrlKey || event.altKey || event.metaKey) return;
    // Where a space means something already, it keeps that meaning.
    const busy = "input, textarea, select, button, audio, summary, a, [contenteditable], [role]";
    if (event.target.closest?.(busy) && event.target !== document.body) return;
    const audio = last?.isConnected ? last : document.querySelector("audio");
    if (!audio) return;
    event.preventDefault();
    if (audio.paused) audio.play().catch(() => {});
    else audio.pause();
  });
}
