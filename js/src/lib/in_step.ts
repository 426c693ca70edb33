// Several videos that show the same moment.

/** What one of them is: its video, and where its last frame is. */
export interface Track {
  video: HTMLVideoElement;
  seconds: number;
  fps: number;
  /** Whether it can't be had: the others go on without it. */
  gone: boolean;
}

const HALF_FRAME = 0.5;
const HAVE_FUTURE_DATA = 3; // HTMLMediaElement's
/** Seconds that are caught up by playing faster or slower; more is jumped over. */
const CATCH_UP = 0.25;
const CLOSE = 0.004;

/** Moves videos together: the longest leads, the others follow it by their speed; a shorter one rests at its end. */
export class InStep {
  loop = true;
  playing = false;
  readonly seconds: number;
  readonly fps: number;

  readonly #tracks: Track[];
  readonly #tell: () => void;
  readonly #signal: AbortSignal;
  #speed = 1;
  #next = 0;
  /** The moment that is being looked for, and the one that was asked of all videos. */
  #wanted: number | undefined;
  #asked: number | undefined;

  /** `tell` is called when the moment or the state is another one. */
  constructor(tracks: Track[], tell: () => void, signal: AbortSignal) {
    this.#tracks = tracks;
    this.#tell = tell;
    this.#signal = signal;
    this.seconds = Math.max(...tracks.map(({ seconds }) => seconds));
    this.fps = Math.max(...tracks.map(({ fps }) => fps));
    for (const track of tracks) this.#listen(track);
  }

  get at(): number {
    // A sound track may go on after the last picture.
    return Math.min(this.#wanted ?? this.#leader?.video.currentTime ?? 0, this.seconds);
  }

  get frame(): number {
    return Math.min(Math.floor(this.at * this.fps + 0.01), Math.round(this.seconds * this.fps) - 1);
  }

  /** Whether a track has ended before this moment. */
  over({ seconds }: Track): boolean {
    return this.at > seconds;
  }

  async play(): Promise<void> {
    if (this.playing) return;
    this.playing = true;
    if (this.at >= this.seconds - HALF_FRAME / this.fps) this.seek(0);
    else this.seek(this.at);
    this.#tell();
    const { at } = this;
    const moving = this.#there.filter(({ seconds }) => at < seconds);
    await Promise.all(moving.map((track) => ready(track, this.#signal)));
    if (!this.playing || this.#signal.aborted) return;
    // All at once, so that they begin as close as can be.
    for (const { video, gone } of moving) if (!gone) video.play().catch(() => this.pause());
    this.#follow();
  }

  pause(): void {
    if (!this.playing) return;
    this.playing = false;
    for (const { video } of this.#tracks) video.pause();
    this.seek(this.at);
  }

  /** Show a moment; while an earlier one is being looked for, only the last one asked for counts. */
  seek(at: number): void {
    this.#wanted = Math.min(Math.max(0, at), this.seconds);
    if (!this.#tracks.some(({ video }) => video.seeking)) this.#go();
    this.#tell();
  }

  step(by: number): void {
    this.pause();
    // The middle of a frame: its edges belong to either neighbour, by rounding.
    this.seek((Math.max(0, this.frame + by) + HALF_FRAME) / this.fps);
  }

  set speed(speed: number) {
    this.#speed = speed;
    // The default too: a video that is loaded, or loaded again, begins with that.
    for (const { video } of this.#tracks) video.playbackRate = video.defaultPlaybackRate = speed;
  }

  get #there(): Track[] {
    return this.#tracks.filter(({ gone }) => !gone);
  }

  get #leader(): Track | undefined {
    return this.#there.reduce<Track | undefined>(
      (longest, one) => (longest && longest.seconds >= one.seconds ? longest : one),
      undefined,
    );
  }

  #listen(track: Track): void {
    const { video } = track;
    const on = (name: string, heard: () => void) =>
      video.addEventListener(name, heard, { signal: this.#signal });
    video.loop = false;
    on("seeked", () => this.#settled());
    on("loadeddata", () => this.#settled());
    on("ended", () => track === this.#leader && this.#ended());
    // Somebody else's doing: the browser's own keys, or another program that wants the sound.
    on("pause", () => track === this.#leader && !video.ended && !video.seeking && this.pause());
  }

  #go(): void {
    const at = this.#wanted ?? 0;
    let moved = false;
    for (const { video, seconds, fps } of this.#there) {
      const there = Math.min(at, Math.max(0, seconds - HALF_FRAME / fps));
      if (!video.readyState || Math.abs(video.currentTime - there) < 0.001) continue;
      video.currentTime = there;
      moved = true;
    }
    const loading = this.#there.some(({ video }) => !video.readyState);
    this.#asked = loading ? undefined : at;
    if (!moved && !loading) this.#wanted = undefined;
  }

  #settled(): void {
    if (this.#wanted !== undefined && !this.#tracks.some(({ video }) => video.seeking)) {
      if (this.#wanted !== this.#asked) this.#go();
      else this.#wanted = undefined;
    }
    this.#tell();
  }

  #ended(): void {
    if (!this.playing) return;
    if (!this.loop) {
      this.pause();
      return;
    }
    this.playing = false;
    this.#wanted = 0;
    this.play();
  }

  /** Keep the others at the leader's moment while it plays. */
  #follow(): void {
    if (!this.playing || this.#signal.aborted) return;
    const leader = this.#leader;
    for (const track of this.#there)
      if (leader && track !== leader) this.#keep(track, leader.video.currentTime);
    this.#tell();
    // One at a time: who plays again may not have ended the one before.
    cancelAnimationFrame(this.#next);
    this.#next = requestAnimationFrame(() => this.#follow());
  }

  #keep({ video, seconds }: Track, at: number): void {
    if (at >= seconds || video.seeking) return;
    if (video.paused) video.play().catch(() => {});
    const ahead = video.currentTime - at;
    if (Math.abs(ahead) > CATCH_UP) video.currentTime = at;
    const nudge = Math.abs(ahead) < CLOSE ? 0 : Math.max(-0.3, Math.min(0.3, 4 * ahead));
    const rate = this.#speed * (1 - nudge);
    if (Math.abs(video.playbackRate - rate) > 0.005) video.playbackRate = rate;
  }
}

/** Wait until a video can go on from where it is, or can't be had. */
function ready(track: Track, life: AbortSignal): Promise<void> {
  const { video } = track;
  return new Promise((done) => {
    const heard = new AbortController();
    const signal = AbortSignal.any([life, heard.signal]);
    const look = () => {
      const can = !video.seeking && video.readyState >= HAVE_FUTURE_DATA;
      if (!can && !track.gone) return;
      heard.abort();
      done();
    };
    for (const name of ["seeked", "canplay", "emptied", "cw-gone"])
      video.addEventListener(name, look, { signal });
    look();
  });
}
