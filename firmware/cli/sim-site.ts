/** The site file of a simulated street: what a field engineer would have written for it. */
import { stringify } from 'yaml';
import type { RunningSim, SimMeterAddress } from '../../sim/street.ts';
import { loadSite } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { BadInput } from './io.ts';

/** Often enough for every detector, and every shipped street's lines have the time. */
const PERIOD_S = 60;

/**
 * A site file ready for `run`, for one street or for several on one gateway.
 * @throws BadInput where one gateway cannot have them all
 */
export function siteFileOf(streets: readonly Pick<RunningSim, 'ports' | 'source'>[], broker: string, file: string) {
  const sites = streets.map((street) => siteOf(street, broker, PERIOD_S));
  const site = { ...sites[0], buses: sites.flatMap(({ buses }) => buses) };
  const text = `# Written by gridwarden sim: good for as long as it runs.\n${stringify(site)}`;
  const [problem] = loadSite(text, file).problems;
  if (problem !== undefined) throw new BadInput(formatProblem(problem));
  return text;
}

/** The parts of a site file that the street decides. @param periodS how often power and current are wanted */
export function siteOf(sim: Pick<RunningSim, 'ports' | 'source'>, broker: string, periodS: number) {
  return {
    gateway: { id: 'gw-demo', timezone: sim.source.timezone },
    buses: sim.ports.map(({ port, meters }) => ({ port, periodS, meters: meters.map(entryOf) })),
    uplink: { brokers: [broker] },
  };
}

function entryOf(meter: SimMeterAddress): object {
  const { id, ...facts } = meter.info;
  // An id may only hold what a topic may: the simulator names its meters by household, `flat/102`.
  const name = id.replaceAll('/', '-');
  switch (meter.protocol) {
    case 'dlt645': {
      const { protocol, standard, address, waveformItem } = meter;
      return {
        protocol,
        standard,
        address,
        id: name,
        ...(waveformItem === undefined ? {} : { waveformItem }),
        ...facts,
      };
    }
    case 'modbus': {
      const { protocol, unit, profile, waveform } = meter;
      return { protocol, unit, profile, waveform, id: name, ...facts };
    }
    default:
      return meter satisfies never;
  }
}
