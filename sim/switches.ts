/** What a tester can turn in a running street, and the truth of it: plug in the charger in 302, pull the cable. */
import { Area, type AreaMeter, type MeterEffect } from './area.ts';
import type { Overlay } from './household.ts';
import { NO_LINE_FAULTS } from './line.ts';
import type { RunningSim } from './street.ts';
import type { Truth } from './truth.ts';

interface Switch {
  en: string;
  zh: string;
  on: 'meter' | 'line';
}

export const SWITCHES = {
  charger: { en: 'e-bike charger', zh: '电动车充电', on: 'meter' },
  heaters: { en: 'heaters, 12 kW', zh: '大功率电热', on: 'meter' },
  away: { en: 'everybody leaves', zh: '人员离开', on: 'meter' },
  leak: { en: 'leakage, 300 mA', zh: '漏电 300 mA', on: 'meter' },
  dark: { en: 'no voltage', zh: '停电', on: 'meter' },
  cover: { en: 'open the cover', zh: '开表盖', on: 'meter' },
  silent: { en: 'meter silent', zh: '表计无应答', on: 'meter' },
  stuck: { en: 'values stuck', zh: '数据冻结', on: 'meter' },
  noise: { en: 'noise on the line', zh: '线路干扰', on: 'line' },
  pull: { en: 'pull the adapter', zh: '拔出适配器', on: 'line' },
} as const satisfies Record<string, Switch>;

export type SwitchName = keyof typeof SWITCHES;

export function isSwitch(name: string): name is SwitchName {
  return Object.hasOwn(SWITCHES, name);
}

/** Turns switches in a running street and remembers which are on. */
export class Switchboard {
  readonly #sim: RunningSim;
  readonly #on = new Map<string, { off: () => void; truth: Truth | undefined }>();

  constructor(sim: RunningSim) {
    this.#sim = sim;
  }

  /** Names of switches that are on for this meter or line. */
  onAt(target: string): SwitchName[] {
    return (Object.keys(SWITCHES) as SwitchName[]).filter((name) => this.#on.has(`${name}|${target}`));
  }

  /**
   * @param target a meter's id, its room (`302`), or a line's name
   * @returns what is wrong with the request, or undefined when it is done
   */
  turn(name: SwitchName, target: string, on: boolean): string | undefined {
    const area = this.#sim.source;
    const found = area instanceof Area ? area.named(target)[0] : undefined;
    const key = `${name}|${found?.info.id ?? target}`;
    const before = this.#on.get(key);
    if (on === (before !== undefined)) return undefined;
    if (before !== undefined) {
      before.off();
      if (before.truth !== undefined) before.truth.to = this.#sim.streetMs();
      this.#on.delete(key);
      return undefined;
    }
    const turned = SWITCHES[name].on === 'line' ? this.#turnLine(name, target) : this.#turnMeter(name, target, found);
    if (typeof turned === 'string') return turned;
    this.#on.set(key, turned);
    if (turned.truth !== undefined) this.#sim.truths.push(turned.truth);
    return undefined;
  }

  #turnLine(name: SwitchName, target: string) {
    const line = this.#sim.line(target);
    if (line === undefined) return `no line is called ${target}`;
    if (name === 'pull') {
      void line.unplug();
      return { off: () => void line.plug(), truth: this.#truth(target, 'gateway', 'the adapter is pulled') };
    }
    const before = line.faults;
    line.faults = { ...NO_LINE_FAULTS, noise: 0.02, drop: 0.01, truncate: 0.05 };
    const off = () => {
      line.faults = before;
    };
    return { off, truth: undefined };
  }

  #turnMeter(name: SwitchName, target: string, meter: AreaMeter | undefined) {
    const id = meter?.info.id ?? target;
    const faults = this.#sim.faults(id);
    if (faults === undefined) return `no meter is called ${target}`;
    if (name === 'silent') {
      faults.silent = 1;
      const off = () => {
        faults.silent = 0;
      };
      return { off, truth: this.#truth(id, 'meter-fault', 'does not answer') };
    }
    if (name === 'stuck') {
      faults.stuck = true;
      const off = () => {
        faults.stuck = false;
      };
      return { off, truth: this.#truth(id, 'meter-fault', 'values stand still') };
    }
    if (meter === undefined) return 'a recording has no switches for people and appliances, only for meters and lines';
    return this.#turnHome(name, meter);
  }

  #turnHome(name: SwitchName, meter: AreaMeter) {
    const { id } = meter.info;
    switch (name) {
      case 'charger': {
        const load = { powerW: 190, powerFactor: 0.6, current: 'charger', name: 'charger' } as const;
        return {
          off: this.#overlay(meter, { load }),
          truth: this.#truth(id, 'illegal-charging', 'a charger of 190 W'),
        };
      }
      case 'heaters': {
        const load = { powerW: 12_000, powerFactor: 1, current: 'resistive', name: 'heaters' } as const;
        return { off: this.#overlay(meter, { load }), truth: this.#truth(id, 'overload', '12000 W more') };
      }
      case 'away':
        return {
          off: this.#overlay(meter, { away: { leftOn: false } }),
          truth: this.#truth(id, 'none', 'everybody left'),
        };
      case 'leak':
        return { off: this.#effect(meter, { leakA: 0.3 }), truth: this.#truth(id, 'leakage', '300 mA to earth') };
      case 'dark': {
        meter.events.push({ atMs: this.#sim.streetMs(), event: 'power-off' });
        const end = this.#effect(meter, { dark: true });
        const off = () => {
          end();
          meter.events.push({ atMs: this.#sim.streetMs(), event: 'power-on' });
        };
        return { off, truth: this.#truth(id, 'outage', 'no voltage') };
      }
      case 'cover':
        meter.events.push({ atMs: this.#sim.streetMs(), event: 'cover-open' });
        return { off: () => {}, truth: this.#truth(id, 'tamper', 'the cover was opened') };
      default:
        return `${name} is not for a meter`;
    }
  }

  #overlay(meter: AreaMeter, what: Pick<Overlay, 'load' | 'away'>): () => void {
    const nowMs = this.#localMs();
    const overlay: Overlay = { fromMs: nowMs, toMs: Number.MAX_SAFE_INTEGER, ...what };
    meter.home.add(overlay);
    return () => meter.home.end(overlay, this.#localMs());
  }

  #effect(meter: AreaMeter, what: Omit<MeterEffect, 'fromMs' | 'toMs'>): () => void {
    const effect: MeterEffect = { fromMs: this.#sim.streetMs(), toMs: Number.MAX_SAFE_INTEGER, ...what };
    meter.effects.push(effect);
    return () => {
      effect.toMs = this.#sim.streetMs();
    };
  }

  #localMs(): number {
    const { source } = this.#sim;
    return source instanceof Area ? source.localMs(this.#sim.streetMs()) : this.#sim.streetMs();
  }

  #truth(meter: string, kind: string, what: string): Truth {
    return { meter, kind, from: this.#sim.streetMs(), to: Number.MAX_SAFE_INTEGER, what };
  }
}
