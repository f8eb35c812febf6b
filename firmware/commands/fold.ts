/**
 * Storms: 200 meters out at once is one event, not 200 messages. Pure; time comes with each call.
 *
 * Two bounds. Many meters raising one kind within a minute become one alert of the whole area, which grows by updates
 * and is cleared when it has been quiet; only kinds that have a common cause, because a portrait of each home at midnight
 * is no storm. And a meter, and the gateway, may send so many an hour; what is over it is
 * counted and the count travels with the next alert that passes. Critical alerts always pass, and what was raised is
 * always cleared, so that the first and the last word of each alert arrive.
 */
import { type Alert, type AlertKind, alertId } from '../../detectors/alert.ts';

export interface FoldSettings {
  /** So many meters of one kind within the window are a storm. */
  stormMeters: number;
  windowMs: number;
  /** A storm is over after so long without another meter; its growth is told this often. */
  quietMs: number;
  updateMs: number;
  perMeterHour: number;
  perGatewayHour: number;
}

export const FOLD_DEFAULTS: FoldSettings = {
  stormMeters: 10,
  windowMs: 60_000,
  quietMs: 600_000,
  updateMs: 10_000,
  perMeterHour: 60,
  perGatewayHour: 3_600,
};

interface Storm {
  alert: Alert;
  meters: Set<string>;
  lastMs: number;
  toldMs: number;
  told: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
  folded: number;
}

/** What many meters say at once because of one thing in the grid or on the bus. */
const COMMON_CAUSE: ReadonlySet<AlertKind> = new Set(['outage', 'voltage', 'meter-fault']);
const METERS_MAX = 4_096;
const PASSED_MAX = 10_000;
const HOUR_MS = 3_600_000;

export class Fold {
  readonly #gateway: string;
  readonly #settings: FoldSettings;
  readonly #recent = new Map<AlertKind, Map<string, number>>();
  readonly #storms = new Map<AlertKind, Storm>();
  readonly #buckets = new Map<string, Bucket>();
  /** Ids that were folded away: their later words are too. */
  readonly #hidden = new Set<string>();
  #folded = 0;

  constructor(gateway: string, settings: Partial<FoldSettings> = {}) {
    this.#gateway = gateway;
    this.#settings = { ...FOLD_DEFAULTS, ...settings };
  }

  /** How many alerts were folded away in all. */
  get folded(): number {
    return this.#folded;
  }

  /** What goes out of these, decided together at `nowMs`. Call it with none now and then, so that storms end. */
  take(alerts: readonly Alert[], nowMs: number): Alert[] {
    this.#count(alerts, nowMs);
    const out: Alert[] = [];
    for (const alert of alerts) {
      const storm = this.#storms.get(alert.kind);
      if (this.#hidden.has(alert.id)) this.#hide(alert);
      else if (storm !== undefined && alert.state === 'raised' && !isArea(alert)) {
        storm.meters.add(alert.meter);
        storm.lastMs = nowMs;
        this.#hide(alert);
      } else {
        const passed = this.#ration(alert, nowMs);
        if (passed === undefined) this.#hide(alert);
        else out.push(passed);
      }
    }
    return [...this.#tellStorms(nowMs), ...out];
  }

  /** Starts a storm where these, with those of the last minute, make one. */
  #count(alerts: readonly Alert[], nowMs: number): void {
    const { windowMs, stormMeters } = this.#settings;
    for (const alert of alerts) {
      if (alert.state !== 'raised' || !COMMON_CAUSE.has(alert.kind) || isArea(alert)) continue;
      const meters = this.#recent.get(alert.kind) ?? new Map<string, number>();
      this.#recent.set(alert.kind, meters);
      meters.set(alert.meter, nowMs);
      for (const [meter, atMs] of meters) if (nowMs - atMs > windowMs || meters.size > METERS_MAX) meters.delete(meter);
      if (meters.size < stormMeters || this.#storms.has(alert.kind)) continue;
      this.#storms.set(alert.kind, {
        alert: this.#stormOf(alert),
        meters: new Set(meters.keys()),
        lastMs: nowMs,
        toldMs: Number.NEGATIVE_INFINITY,
        told: 0,
      });
    }
  }

  #stormOf(first: Alert): Alert {
    const kind = first.kind === 'outage' ? 'outage' : 'gateway';
    const key = `storm:${first.kind}`;
    const since = first.since;
    return {
      ...first,
      id: alertId({ meter: this.#gateway, kind, sinceMs: since, key }),
      meter: this.#gateway,
      kind,
      evidence: kind === 'outage' ? { scope: 'area' } : { fault: key },
    };
  }

  #tellStorms(nowMs: number): Alert[] {
    const { quietMs, updateMs } = this.#settings;
    const out: Alert[] = [];
    for (const [kind, storm] of this.#storms) {
      const over = nowMs - storm.lastMs > quietMs;
      const grown = storm.meters.size > storm.told && nowMs - storm.toldMs >= updateMs;
      if (!over && !grown) continue;
      const state = over ? 'cleared' : storm.told === 0 ? 'raised' : 'updated';
      storm.told = storm.meters.size;
      storm.toldMs = nowMs;
      out.push({ ...storm.alert, state, at: nowMs, evidence: { ...storm.alert.evidence, meters: storm.told } });
      if (!over) continue;
      this.#storms.delete(kind);
      this.#recent.delete(kind);
    }
    return out;
  }

  #ration(alert: Alert, nowMs: number): Alert | undefined {
    const { perMeterHour, perGatewayHour } = this.#settings;
    const meter = this.#bucket(alert.meter, perMeterHour, nowMs);
    const gateway = this.#bucket('', perGatewayHour, nowMs);
    const free = alert.severity === 'critical' || alert.state === 'cleared';
    if (!free && (meter.tokens < 1 || gateway.tokens < 1)) {
      meter.folded++;
      return undefined;
    }
    meter.tokens = Math.max(0, meter.tokens - 1);
    gateway.tokens = Math.max(0, gateway.tokens - 1);
    const { folded } = meter;
    meter.folded = 0;
    return folded === 0 ? alert : { ...alert, evidence: { ...alert.evidence, folded } };
  }

  /** A fifth of the hour's share may come at once. */
  #bucket(name: string, perHour: number, nowMs: number): Bucket {
    const most = Math.max(1, perHour / 5);
    const bucket = this.#buckets.get(name) ?? { tokens: most, atMs: nowMs, folded: 0 };
    if (this.#buckets.size > METERS_MAX) this.#buckets.clear();
    this.#buckets.set(name, bucket);
    bucket.tokens = Math.min(most, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) * perHour) / HOUR_MS);
    bucket.atMs = nowMs;
    return bucket;
  }

  #hide(alert: Alert): void {
    this.#folded++;
    if (alert.state === 'raised') this.#hidden.add(alert.id);
    if (alert.state === 'cleared') this.#hidden.delete(alert.id);
    if (this.#hidden.size > PASSED_MAX) this.#hidden.delete(this.#hidden.values().next().value ?? '');
  }
}

function isArea(alert: Alert): boolean {
  return alert.evidence.scope !== undefined && alert.evidence.scope !== 'meter';
}
