/** Waveforms that detectors ask for: fetched over the bus from meters that have them, one at a time per meter. */
import { converse, readData } from '../protocols/dlt645/exchange.ts';
import type { Block } from '../protocols/exchange.ts';
import type { Waveform } from '../protocols/reading.ts';
import type { Phase } from '../protocols/waveform/snapshot.ts';
import { dlt645WaveformBlock, modbusWaveformBlock } from '../protocols/waveform/source.ts';
import type { Answer } from './bus/asker.ts';
import type { Bus } from './bus/bus.ts';
import type { SiteMeter } from './config/site.ts';

export interface Captures {
  /** Resolves to the waveform, or to why there is none; a second request for a meter joins the first. */
  capture(phase: Phase): Promise<Answer<Waveform>>;
}

/** Ten cycles of both channels in two bytes and their frames; only the plan's arithmetic uses it. */
const DLT645_BYTES = 1_600;

/** Undefined for a meter that keeps no waveforms: its detectors judge on what they have. */
export function capturesOf(meter: SiteMeter, id: string, bus: Bus): Captures | undefined {
  const blocks = ([1, 2, 3] as const).flatMap((phase) => {
    const block = phase <= meter.phases ? waveformBlock(meter, phase) : undefined;
    return block === undefined ? [] : [{ phase, block }];
  });
  if (blocks.length === 0) return undefined;
  const running = new Map<Phase, Promise<Answer<Waveform>>>();
  return {
    capture(phase) {
      const block = blocks.find((one) => one.phase === phase)?.block ?? blocks[0]!.block;
      const asked = running.get(phase) ?? bus.request(id, block.exchange, { retry: true, priority: 2 });
      running.set(phase, asked);
      return asked.finally(() => running.delete(phase));
    },
  };
}

function waveformBlock(meter: SiteMeter, phase: Phase): Block<Waveform> | undefined {
  const { answerMs } = meter;
  const timing = answerMs === undefined ? {} : { answerMs };
  switch (meter.protocol) {
    case 'modbus': {
      const { unit, waveform } = meter;
      return waveform === undefined ? undefined : modbusWaveformBlock({ unit, waveform, ...timing }, phase);
    }
    case 'dlt645': {
      const { address, standard, waveformItem } = meter;
      if (waveformItem === undefined) return undefined;
      const item = `${waveformItem.slice(0, 6).toUpperCase()}0${phase}`;
      const read = () => converse({ address, standard, ...timing }, readData(standard, item));
      return dlt645WaveformBlock(read, phase, DLT645_BYTES);
    }
    default:
      return meter satisfies never;
  }
}
