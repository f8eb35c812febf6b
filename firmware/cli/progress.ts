/** A bar on stderr for work that takes a while, where stderr is a terminal; nothing anywhere else. */
import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** @param doing what is being done, where the work has parts; each part has a bar of its own */
  update(done: number, total: number, doing?: string): void;
  stop(): void;
}

/**
 * @param what stands before the bar
 * @param of what is counted; bytes are shown as megabytes, with their speed
 */
export function progress(what: string, of: 'pieces' | 'bytes' = 'pieces'): Progress {
  if (process.stderr.isTTY !== true) return { update: () => {}, stop: () => {} };
  const count = of === 'pieces' ? '{value}/{total}' : '{megabytes} MB  {speed} MB/s';
  const format = `${what} {doing}{bar} {percentage} %  ${count}  {eta_formatted} left`;
  const bar = new SingleBar(
    { format, stream: process.stderr, hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  );
  let started = false;
  let last = 0;
  const startMs = performance.now();
  let first = 0;
  return {
    update(done, total, doing) {
      if (!started) first = done;
      // A bar that goes back would count its time left from the part before.
      const anew = started && done < last;
      last = done;
      const perSecond = (done - first) / Math.max(0.1, (performance.now() - startMs) / 1000);
      const shown = {
        doing: doing === undefined ? '' : `${doing} `,
        megabytes: `${Math.round(done / 1e6)}/${Math.round(total / 1e6)}`,
        speed: (perSecond / 1e6).toFixed(1),
      };
      if (!started || anew) bar.start(total, done, shown);
      else {
        bar.setTotal(total);
        bar.update(done, shown);
      }
      started = true;
    },
    stop() {
      if (started) bar.stop();
    },
  };
}
