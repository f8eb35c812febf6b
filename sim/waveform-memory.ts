/** Where a simulated meter keeps a snapshot so that a master can fetch it, over DL/T 645 or Modbus. */

import type { Samples, Waveform } from '../protocols/reading.ts';
import { encodeBenderRecord } from '../protocols/waveform/bender-pem575.ts';
import { encodeDlt645Waveform } from '../protocols/waveform/dlt645-item.ts';
import type { MeterView } from './meter-view.ts';

/** The manufacturer item of our meters; the last byte is the phase. */
export const WAVEFORM_ITEM = '04A001';
/** A record stays as it is for so long, that a master can read it in pieces. */
const RECORD_MS = 15_000;
const BENDER_FILE = 4;

let captures = 0;

/** Four cycles at 3200 Hz and 12 bits: five frames, a second and a half at 9600 baud. */
export function waveformItem(item: string, view: MeterView): Uint8Array | undefined {
  const phase = Number.parseInt(item.slice(6), 16);
  if (!item.startsWith(WAVEFORM_ITEM) || phase < 1 || phase > view.phases) return undefined;
  const waveform = view.waveform(phase);
  if (waveform === undefined) return undefined;
  captures = (captures + 1) & 0xffff;
  const slower = slowed(waveform, 3200, 4);
  return encodeDlt645Waveform(
    { capture: captures, localMs: Math.floor(view.localMs() / 1000) * 1000, waveform: slower },
    12,
  );
}

/** Function 20 of a Bender PEM575: ten cycles of 32 samples, all three phases. */
export function benderFile(view: MeterView): (file: number, record: number, count: number) => number[] | undefined {
  let kept: { atMs: number; registers: number[] } | undefined;
  return (file, record, count) => {
    if (file !== BENDER_FILE) return undefined;
    const nowMs = view.localMs();
    if (kept === undefined || Math.abs(nowMs - kept.atMs) > RECORD_MS) {
      const registers = benderRecord(view);
      if (registers === undefined) return undefined;
      kept = { atMs: nowMs, registers };
    }
    const part = kept.registers.slice(record, record + count);
    return part.length === count ? part : undefined;
  };
}

function benderRecord(view: MeterView): number[] | undefined {
  const phases: { voltage: Samples; current: Samples }[] = [];
  for (let phase = 1; phase <= view.phases; phase++) {
    const waveform = view.waveform(phase);
    if (waveform === undefined) return undefined;
    const { voltage, current } = slowed(waveform, 1600, 10);
    phases.push({ voltage, current });
  }
  return encodeBenderRecord({ localMs: view.localMs(), rateHz: 1600, phases });
}

/** Fewer samples, each the mean of those it stands for, as a metering chip's filter makes them. */
function slowed(waveform: Waveform, rateHz: number, cycles: number): Waveform {
  const step = Math.max(1, Math.round(waveform.rateHz / rateHz));
  const wanted = Math.floor((cycles * waveform.rateHz) / step / 50);
  const thin = ({ scale, samples }: Samples): Samples => ({
    scale,
    samples: Int16Array.from({ length: Math.min(wanted, Math.floor(samples.length / step)) }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < step; k++) sum += samples[i * step + k]!;
      return Math.round(sum / step);
    }),
  });
  return {
    ...waveform,
    rateHz: waveform.rateHz / step,
    voltage: thin(waveform.voltage),
    current: thin(waveform.current),
  };
}
