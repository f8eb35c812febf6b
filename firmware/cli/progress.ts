/** A bar on stderr for work that takes a while, where stderr is a terminal; nothing anywhere else. */
import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  update(done: number, total: number): void;
  stop(): void;
}

/**
 * @param what stands before the bar
 * @param of what is counted; bytes are shown as megabytes, with their speed
 */
export function progress(what: string, of: 'pieces' | 'bytes' = 'pieces'): Progress {
  if (process.stderr.isTTY !== true) return { update: () => {}, stop: () => {} };
  const count = of === 'pieces' ? '{value}/{total}' : '{megabytes} MB  {speed} MB/s';
  const format = `${what} {bar} {percentage} %  ${count}  {eta_formatted} left`;
  const bar = new SingleBar(
    { format, stream: process.stderr, hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  );
  let started = false;
  const startMs = performance.now();
  let first = 0;
  return {
    update(done, total) {
      if (!started) first = done;
      const perSecond = (done - first) / Math.max(0.1, (performance.now() - startMs) / 1000);
      const shown = {
        megabytes: `${Math.round(done / 1e6)}/${Math.round(total / 1e6)}`,
        speed: (perSecond / 1e6).toFixed(1),
      };
      if (!started) bar.start(total, done, shown);
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
