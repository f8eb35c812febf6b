/** A Modbus meter on a simulated line: gathers a request, answers it, and misbehaves as a bad meter does. */
import { crcFits, seal } from '../protocols/modbus/crc.ts';
import type { Station, Talk } from './line.ts';
import { type MeterFaults, type MeterView, NO_METER_FAULTS } from './meter-view.ts';
import { modbusMeter, type RegisterBank, rowValue } from './modbus-meter.ts';
import type { Random } from './random.ts';

export interface ModbusStationOptions {
  unit: number;
  profile: string;
  turnaroundMs: number;
  banks?: readonly RegisterBank[];
  file?(file: number, record: number, count: number): number[] | undefined;
}

const BUSY = 6;
const ILLEGAL_ADDRESS = 2;
/** The largest RTU frame. */
const FRAME_MAX = 256;
/** Pieces of one request that came further apart than this are two requests; real meters use 3.5 characters. */
const GAP_MS = 50;

export class ModbusSimMeter implements Station {
  readonly options: ModbusStationOptions;
  faults: MeterFaults;
  readonly view: MeterView;
  readonly #random: Random;
  readonly #meter: ReturnType<typeof modbusMeter>;
  #heard: Uint8Array = new Uint8Array();
  #heardMs = Number.NEGATIVE_INFINITY;

  /** @throws RangeError when there is no such profile */
  constructor(options: ModbusStationOptions, view: MeterView, random: Random, faults: Partial<MeterFaults> = {}) {
    this.options = options;
    this.view = view;
    this.#random = random;
    this.faults = { ...NO_METER_FAULTS, ...faults };
    const { unit, profile, banks, file } = options;
    this.#meter = modbusMeter({
      unit,
      profile,
      value: (row) => rowValue(row, view.reading()),
      ...(banks === undefined ? {} : { banks }),
      ...(file === undefined ? {} : { file }),
      exception: () => this.#exception(),
    });
  }

  hear(bytes: Uint8Array, atMs: number): readonly Talk[] {
    const fresh = atMs - this.#heardMs > GAP_MS;
    this.#heardMs = atMs;
    const heard = fresh ? bytes : Uint8Array.of(...this.#heard, ...bytes);
    this.#heard = heard.slice(-FRAME_MAX);
    if (heard.length < 4 || heard.length > FRAME_MAX || !crcFits(heard)) return [];
    this.#heard = new Uint8Array();
    const answer = this.#meter.answer(heard);
    const talk = answer === undefined ? undefined : this.#say(answer);
    return talk === undefined ? [] : [talk];
  }

  #exception(): number | undefined {
    if (this.#random.chance(this.faults.busy)) return BUSY;
    return this.#random.chance(this.faults.refuse) ? ILLEGAL_ADDRESS : undefined;
  }

  #say(answer: Uint8Array): Talk | undefined {
    const { faults } = this;
    const random = this.#random;
    if (random.chance(faults.silent)) return undefined;
    let bytes: Uint8Array = answer.slice();
    const reseal = (at: number, value: number): void => {
      bytes[at] = value;
      seal(bytes);
    };
    if (random.chance(faults.wrongAddress)) reseal(0, (bytes[0]! % 247) + 1);
    if (random.chance(faults.wrongItem)) reseal(1, bytes[1]! === 3 ? 4 : 3);
    if (random.chance(faults.checksum)) bytes[bytes.length - 1] = bytes[bytes.length - 1]! ^ (1 + random.int(255));
    if (random.chance(faults.half)) bytes = bytes.subarray(0, 1 + random.int(bytes.length - 1));
    const lateMs = random.chance(faults.late) ? faults.lateMs : 0;
    return { bytes, delayMs: this.options.turnaroundMs + faults.slowMs + lateMs };
  }
}
