/** From the site file's meters to what the bus polls and what the detectors know of them. */
import type { Area } from '../detectors/detector.ts';
import { dlt645Blocks } from '../protocols/dlt645/poll.ts';
import type { Block } from '../protocols/exchange.ts';
import { modbusBlocks } from '../protocols/modbus/poll.ts';
import type { MeterInfo, Reading } from '../protocols/reading.ts';
import { type PlanLoad, planLoad } from './bus/plan.ts';
import type { BusMeter } from './bus/record.ts';
import { meterId } from './config/meter-id.ts';
import type { Site, SiteBus, SiteMeter } from './config/site.ts';
import type { LineSettings } from './port.ts';
import { formatTarget, parsePortAddress } from './port-address.ts';

/** What the detectors may know of the site. */
export function areaOf(site: Site): Area {
  return { timezone: site.gateway.timezone, meters: site.buses.flatMap((bus) => bus.meters.map(infoOf)) };
}

/** What the site file knows of a meter beside its place on the wire. */
const FACTS = [
  ...(['premises', 'phases', 'phase', 'ratedCurrentA', 'fuseA', 'watch', 'charging', 'grid', 'feeder', 'box'] as const),
  ...(['tariff', 'contract', 'ratedKva', 'thermal'] as const),
] as const satisfies readonly (keyof MeterInfo & keyof SiteMeter)[];

/** The facts about a meter without its place on the wire. */
export function infoOf(meter: SiteMeter): MeterInfo {
  const known = FACTS.flatMap((name) => (meter[name] === undefined ? [] : [[name, meter[name]] as const]));
  return { id: meterId(meter), ...Object.fromEntries(known) };
}

/** The meters of a bus with their read blocks. @throws RangeError when a profile does not exist; `check` says so before */
export function busMeters(bus: SiteBus): BusMeter[] {
  return bus.meters.map((meter) => ({
    id: meterId(meter),
    protocol: meter.protocol,
    blocks: blocksOf(meter, bus.periodS),
    ...(meter.quietMs === undefined ? {} : { quietMs: meter.quietMs }),
  }));
}

function blocksOf(meter: SiteMeter, periodS: number | undefined): Block<Reading>[] {
  const { answerMs } = meter;
  const timing = answerMs === undefined ? {} : { answerMs };
  switch (meter.protocol) {
    case 'dlt645': {
      const { protocol, address, standard, phases } = meter;
      return dlt645Blocks({ protocol, address, standard, phases, ...timing }, dlt645Periods(periodS));
    }
    case 'modbus': {
      const { protocol, unit, profile } = meter;
      return modbusBlocks(
        { protocol, unit, profile, ...timing },
        periodS === undefined ? {} : { fastMs: periodS * 1000 },
      );
    }
    default:
      return meter satisfies never;
  }
}

/** A DL/T 645 meter says one quantity per frame: voltage, which moves least, is asked a third as often. */
function dlt645Periods(periodS: number | undefined) {
  if (periodS === undefined) return {};
  return { powerMs: periodS * 1000, currentMs: periodS * 1000, voltageMs: periodS * 3000 };
}

/** How a bus of the site file is set. @throws when the address was not checked before */
export function lineSettings(bus: SiteBus): LineSettings {
  const settings = parsePortAddress(bus.port);
  if ('problem' in settings) throw new Error(settings.problem);
  return settings;
}

export interface BusPlan extends PlanLoad {
  port: string;
  meters: number;
}

/** Whether each bus has time for what it is asked, by arithmetic. */
export function busPlans(site: Site): BusPlan[] {
  return site.buses.map((bus) => {
    const settings = lineSettings(bus);
    const meters = busMeters(bus);
    const blocks = meters.flatMap((meter) => meter.blocks);
    const protocol = meters.some((meter) => meter.protocol === 'modbus') ? 'modbus' : 'dlt645';
    return { port: formatTarget(settings.target), meters: meters.length, ...planLoad(settings, blocks, protocol) };
  });
}
