/** The gateway as the page sees it: status, the last alerts, curves and waveforms in fixed memory, and the tools. */
import { copyFile, readFile } from 'node:fs/promises';
import type { Alert } from '../../detectors/alert.ts';
import { cycleOf, difference } from '../../detectors/charging/shape.ts';
import { type View, viewOfWaveform } from '../../detectors/charging/view.ts';
import type { Sample } from '../../protocols/reading.ts';
import type { Clock } from '../clock.ts';
import { loadSiteApart } from '../config/load-apart.ts';
import { meterId } from '../config/meter-id.ts';
import { formatProblem } from '../config/problem.ts';
import type { Site } from '../config/site.ts';
import { Curve } from '../curve.ts';
import type { Gateway } from '../gateway.ts';
import { readOnDemand } from '../read-item.ts';
import { scanBus } from '../scan.ts';
import { daysLeft } from '../uplink/certificates.ts';
import { writeWhole } from '../whole-file.ts';
import type { BusView, PageEvent, PageSource, StatusView, WaveView } from './source.ts';

const ALERTS_MAX = 500;
const WAVES_MAX = 64;
/** Of one meter: enough that the one before a charger's start is still there when somebody looks. */
const VIEWS_MAX = 8;

/** Collects from the gateway's hooks; give `onSample` and `onAlerts` to `startGateway`, then `attach` what it returns. */
export interface GatewaySource {
  source: PageSource;
  onSample(sample: Sample): void;
  onAlerts(alerts: readonly Alert[]): void;
  attach(gateway: Gateway): void;
}

export interface SourceParts {
  site: Site;
  siteFile: string;
  version: string;
  lastRestart: string;
  clock: Clock;
  clockSynchronised: () => boolean;
  logs: () => readonly string[];
  /** How far apart the points of a load curve are at least. */
  curveSpacingMs: number;
}

export function gatewaySource(parts: SourceParts): GatewaySource {
  const { site, clock } = parts;
  const startedAtMs = clock.nowMs();
  const certFile = site.uplink.tls?.certFile;
  const curves = new Map<string, Curve>();
  const waves = new Map<string, Waves>();
  const alerts: Alert[] = [];
  const listeners = new Set<(event: PageEvent) => void>();
  const tell = (event: PageEvent) => {
    for (const listener of listeners) listener(event);
  };
  let gateway: Gateway | undefined;

  const status = async (): Promise<StatusView> => {
    const depth = await gateway?.outbox.depth();
    return {
      gateway: site.gateway.id,
      version: parts.version,
      nowMs: clock.nowMs(),
      startedAtMs,
      lastRestart: parts.lastRestart,
      clockSynchronised: parts.clockSynchronised(),
      readings: gateway?.pipeline.readings ?? 0,
      alerts: gateway?.pipeline.alerts ?? 0,
      uplink: {
        up: gateway?.uplink.up ?? false,
        broker: site.uplink.brokers[0] ?? '',
        reason: gateway?.uplink.downReason ?? '',
        waiting: depth?.alerts ?? 0,
        oldestWaitingMs: depth?.oldestAtMs ?? null,
        certificateDays: certFile === undefined ? null : (daysLeft(certFile, clock.nowMs()) ?? null),
      },
      buses: site.buses.map((_, index) => busView(site, gateway, index)),
    };
  };

  return {
    attach(started) {
      gateway = started;
    },
    onSample(sample) {
      const { meter, atMs } = sample;
      if ('waveform' in sample) keepWave(waves, { meter, atMs, waveform: sample.waveform });
      if (!('reading' in sample)) return;
      const { activePowerW } = sample.reading;
      if (activePowerW !== undefined) {
        const curve = curves.get(meter) ?? new Curve(parts.curveSpacingMs);
        curves.set(meter, curve);
        curve.add(atMs, activePowerW);
      }
      tell({ type: 'reading', meter, atMs, reading: sample.reading });
    },
    onAlerts(stored) {
      alerts.unshift(...stored.toReversed());
      alerts.length = Math.min(alerts.length, ALERTS_MAX);
      for (const alert of stored) tell({ type: 'alert', alert });
    },
    source: {
      status,
      alerts: async (limit) => alerts.slice(0, limit),
      curve: (meter) => curves.get(meter)?.points() ?? [],
      wave: (meter, id) =>
        waveView(waves.get(meter), id === undefined ? undefined : alerts.find((one) => one.id === id)),
      timeline: async (alert) => gateway?.desk.timeline(alert),
      read: (meter, item) => readOnDemand(site, gateway?.busOf(meter), meter, item, clock),
      async scan(port, onFound, signal) {
        const bus = gateway?.buses[site.buses.findIndex((entry) => entry.port === port)];
        if (bus === undefined) throw new Error(`${port}: expected a port of the site file`);
        for await (const found of scanBus(bus, signal)) onFound(found);
      },
      siteFile: () => readFile(parts.siteFile, 'utf8'),
      saveSiteFile: (text) => saveSiteFile(parts.siteFile, text),
      logs: parts.logs,
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  };
}

/** The last snapshot whole, those before it as far as a difference needs them. */
interface Waves extends WaveView {
  views: View[];
}

function keepWave(waves: Map<string, Waves>, wave: WaveView): void {
  const view = viewOfWaveform(wave.waveform, wave.atMs);
  const before = waves.get(wave.meter)?.views ?? [];
  const views = view === undefined ? before : [...before, view].slice(-VIEWS_MAX);
  waves.delete(wave.meter);
  waves.set(wave.meter, { ...wave, views });
  const oldest = waves.keys().next().value;
  if (waves.size > WAVES_MAX && oldest !== undefined) waves.delete(oldest);
}

function waveView(waves: Waves | undefined, alert: Alert | undefined): WaveView | undefined {
  if (waves === undefined) return undefined;
  const { views, ...wave } = waves;
  const ofPhase = views.filter(({ phase }) => phase === wave.waveform.phase);
  const first = alert === undefined ? ofPhase.length - 1 : ofPhase.findIndex(({ atMs }) => atMs >= alert.since);
  const [before, after] = [ofPhase[first - 1], ofPhase[first]];
  if (after === undefined || (before === undefined && alert === undefined)) return wave;
  // Without a picture of what ran before, it is taken to have been resistive, as the detector takes it.
  const stepW = Number(alert?.evidence.powerW ?? after.powerW);
  const resistiveA = Math.max(0, after.powerW - stepW) / after.voltageV;
  return { ...wave, differentialA: [...cycleOf(difference(after, before, resistiveA))] };
}

function busView(site: Site, gateway: Gateway | undefined, index: number): BusView {
  const { port, meters } = site.buses[index]!;
  const status = gateway?.buses[index]?.status();
  const states = new Map(status?.meters.map((meter) => [meter.id, meter]));
  const reason =
    status !== undefined && 'reason' in status.state ? status.state.reason : (status?.state.state ?? 'starting');
  return {
    port,
    open: status?.state.state === 'open' || status?.state.state === 'silent',
    reason,
    utilisation: status?.utilisation ?? 0,
    planLoad: status?.plan.load ?? 0,
    meters: meters.map((meter) => {
      const id = meterId(meter);
      const state = states.get(id);
      const latest = gateway?.pipeline.latest(id);
      return {
        id,
        protocol: meter.protocol,
        premises: meter.premises ?? '',
        grid: meter.grid ?? '',
        state: state?.state ?? 'unasked',
        reason: state?.reason ?? '',
        heardAtMs: state?.lastReadMs ?? null,
        reading: latest?.reading ?? {},
      };
    }),
  };
}

/** Checks and replaces the site file; the one before is kept as `.previous`. @returns problems, one line each */
async function saveSiteFile(file: string, text: string): Promise<string[]> {
  const { problems } = await loadSiteApart(text, file);
  if (problems.length > 0) return problems.map(formatProblem);
  await copyFile(file, `${file}.previous`).catch(() => {});
  await writeWhole(file, text);
  return [];
}
