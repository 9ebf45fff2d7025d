// Plays versions of a program in loops of equal bars, and switches between them on a bar line by the
// clock of Web Audio. Python puts this file before audition_player.js.

const AUDITION_RATE = 44100;
const CROSSFADE_S = 0.01; // It ends at the bar line, so that the first attack of a bar is whole.
const SCHEDULE_AHEAD_S = 0.02; // A switch is scheduled at least this long before it starts.
const LOOP_END_FADE_S = 0.004; // Keeps the loop's end from clicking.
const TIMER_MS = 30;
const MAX_KEPT_BUFFERS = 32;

class AuditionEngine {
  constructor(onChange) {
    this.onChange = onChange; // Called whenever what plays, or what can play, changes.
    this.context = null;
    this.buffers = new Map(); // By clip id: {buffer, gain}, {error} or {isLoading}.
    this.voice = null; // What plays: {version, source, gain, startedAt, position}.
    this.pending = null; // The scheduled switch: {voice, time}.
    this.switches = []; // For tests and curious users: every scheduled switch.
    this.timer = null;
  }

  openContext() {
    if (!this.context) {
      // The clips' own rate, so that nothing is resampled.
      this.context = new AudioContext({ sampleRate: AUDITION_RATE, latencyHint: "interactive" });
      this.output = this.context.createGain();
      this.output.connect(this.context.destination);
    }
    if (this.context.state === "suspended") this.context.resume();
    return this.context;
  }

  // Fetches and decodes a version's clip, once. The request waits until the clip is rendered.
  async load(version) {
    if (!version.url || this.buffers.get(version.clip)?.error === undefined
        && this.buffers.has(version.clip)) return;
    this.buffers.set(version.clip, { isLoading: true });
    let entry;
    try {
      const response = await fetch(version.url);
      if (response.headers.get("content-type")?.startsWith("audio/")) {
        const gain = Number(response.headers.get("x-loudness-gain")) || 1;
        const offline = new OfflineAudioContext(2, 1, AUDITION_RATE);
        const decoded = await offline.decodeAudioData(await response.arrayBuffer());
        entry = { buffer: makeLoopBuffer(decoded, version), gain };
      } else if (response.ok) entry = { error: (await response.json()).error };
      else entry = { error: "This clip is no longer there. Press r to render it again." };
    } catch (error) {
      entry = { error: `The clip could not be loaded: ${error.message}` };
    }
    this.buffers.set(version.clip, entry);
    this.dropOldBuffers();
    this.onChange();
  }

  dropOldBuffers() {
    for (const clip of this.buffers.keys()) {
      if (this.buffers.size <= MAX_KEPT_BUFFERS) return;
      if (clip !== this.voice?.version.clip) this.buffers.delete(clip);
    }
  }

  isPlayable(version) {
    return Boolean(this.buffers.get(version?.clip)?.buffer);
  }

  // Starts a version, or switches to it: at the next bar line, or at once.
  play(version, isImmediate = false) {
    if (!this.isPlayable(version)) return;
    const context = this.openContext();
    this.settle();
    if (!this.voice) {
      const time = context.currentTime + 2 * SCHEDULE_AHEAD_S;
      this.voice = this.startVoice(version, time, 0);
      this.recordSwitch(version, time, time, 0);
    } else {
      this.cancelPending();
      if (this.voice.version.clip !== version.clip) this.scheduleSwitch(version, isImmediate);
    }
    this.timer ??= setInterval(() => this.settle(), TIMER_MS);
    this.onChange();
  }

  scheduleSwitch(version, isImmediate) {
    const old = this.voice;
    const earliest = this.context.currentTime + SCHEDULE_AHEAD_S + CROSSFADE_S;
    const time = isImmediate ? earliest : findNextBarLine(old, earliest);
    const bars = (old.position + time - old.startedAt) / getBarSeconds(old.version);
    const bar = (isImmediate ? bars : Math.round(bars)) % version.bars;
    const position = bar * getBarSeconds(version);
    const voice = this.startVoice(version, time, position, CROSSFADE_S);
    const level = old.gain.gain;
    level.setValueAtTime(old.level, time - CROSSFADE_S);
    level.setValueCurveAtTime(makeFadeCurve(old.level, false), time - CROSSFADE_S, CROSSFADE_S);
    this.pending = { voice, time };
    this.recordSwitch(version, time, isImmediate ? null : time, bar);
  }

  // Starts a source that is at a position of its loop at a time, after a fade that ends there.
  startVoice(version, time, position, fadeSeconds = 0) {
    const { buffer, gain: level } = this.buffers.get(version.clip);
    const source = new AudioBufferSourceNode(this.context, { buffer, loop: true });
    const gain = new GainNode(this.context, { gain: fadeSeconds ? 0 : level });
    source.connect(gain).connect(this.output);
    const offset = (position - fadeSeconds + buffer.duration) % buffer.duration;
    source.start(time - fadeSeconds, offset);
    if (fadeSeconds) {
      gain.gain.setValueCurveAtTime(makeFadeCurve(level, true), time - fadeSeconds, fadeSeconds);
    }
    return { version, source, gain, level, startedAt: time, position };
  }

  // Takes back a switch whose crossfade has not begun.
  cancelPending() {
    if (!this.pending) return;
    const { voice, time } = this.pending;
    if (this.context.currentTime >= time - CROSSFADE_S - 0.005) {
      this.commitPending();
      return;
    }
    voice.source.stop();
    voice.gain.disconnect();
    this.voice.gain.gain.cancelScheduledValues(this.context.currentTime);
    this.voice.gain.gain.setValueAtTime(this.voice.level, this.context.currentTime);
    this.pending = null;
    this.switches.pop();
  }

  commitPending() {
    const { voice, time } = this.pending;
    const old = this.voice;
    old.source.stop(Math.max(time + 0.01, this.context.currentTime));
    old.source.onended = () => old.gain.disconnect();
    this.voice = voice;
    this.pending = null;
  }

  // Makes a switch whose time has come the present state.
  settle() {
    if (this.pending && this.context.currentTime >= this.pending.time) {
      this.commitPending();
      this.onChange();
    }
  }

  // Goes on under another card: after a version was taken, it is the new version 0.
  renameVoice(version) {
    for (const voice of [this.voice, this.pending?.voice]) {
      if (voice?.version.clip === version.clip) voice.version = version;
    }
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    if (!this.voice) return;
    const now = this.context.currentTime;
    for (const voice of [this.voice, this.pending?.voice].filter(Boolean)) {
      const level = voice.gain.gain;
      level.cancelScheduledValues(now);
      level.setTargetAtTime(0, now, 0.003); // A hard stop would click.
      voice.source.stop(now + 0.03);
    }
    this.voice = this.pending = null;
    this.onChange();
  }

  recordSwitch(version, time, barLine, bar) {
    const requestedAt = this.context.currentTime;
    this.switches.push({ number: version.number, time, barLine, bar, requestedAt });
    if (this.switches.length > 100) this.switches.shift();
  }
}

function getBarSeconds(version) {
  return Math.round(version.seconds * AUDITION_RATE) / AUDITION_RATE / version.bars;
}

// Returns the first bar line of a voice that is not before a time.
function findNextBarLine(voice, earliest) {
  const barSeconds = getBarSeconds(voice.version);
  const firstBarLine = voice.startedAt - voice.position;
  return firstBarLine + Math.ceil((earliest - firstBarLine) / barSeconds - 1e-9) * barSeconds;
}

// Copies a clip to a buffer of exactly the loop's length.
function makeLoopBuffer(decoded, version) {
  const length = Math.round(version.seconds * AUDITION_RATE);
  const buffer = new AudioBuffer({ length, numberOfChannels: 2, sampleRate: AUDITION_RATE });
  const fade = Math.round(LOOP_END_FADE_S * AUDITION_RATE);
  for (let channel = 0; channel < 2; channel += 1) {
    const samples = buffer.getChannelData(channel);
    const from = decoded.getChannelData(Math.min(channel, decoded.numberOfChannels - 1));
    samples.set(from.subarray(0, length));
    for (let i = 0; i < fade; i += 1) samples[length - 1 - i] *= i / fade;
  }
  return buffer;
}

function makeFadeCurve(level, isFadeIn) {
  return Float32Array.from({ length: 33 }, (_, i) => {
    const angle = (Math.PI / 2) * (i / 32);
    return level * (isFadeIn ? Math.sin(angle) : Math.cos(angle));
  });
}
