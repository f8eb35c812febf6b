/**
 * Storms: 200 meters out at once is one event, not 200 messages. Pure; time comes with each call.
 *
 * Two bounds. Many meters raising one kind within a minute become one alert of the whole area, which grows by updates
 * and is cleared when it has been quiet; only kinds that have a common cause (`COMMON_CAUSE`). And a meter, and the gateway, may send so many an hour; what is over it is
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
  /** Since this program started; `before` were counted by the one before it. */
  meters: Set<string>;
  before: number;
  lastMs: number;
  toldMs: number;
  told: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
  folded: number;
}

/**
 * Whether many meters say it at once because of one thing. Not where each needs a person of its own whatever the others
 * do (somebody silent, a battery charging, a breaker about to trip), nor where a calendar makes many speak at once
 * without any cause (portraits and price tiers at midnight).
 */
const COMMON_CAUSE = {
  outage: true,
  voltage: true,
  // The neutral of a branch, a fault to earth, the weather of tomorrow.
  imbalance: true,
  leakage: true,
  'overload-forecast': true,
  // A noisy bus; a cabinet that was opened.
  'meter-fault': true,
  tamper: true,
  // A heat wave, a holiday.
  'abnormal-use': true,
  'illegal-charging': false,
  inactivity: false,
  overload: false,
  occupancy: false,
  'night-residence': false,
  'tariff-tier': false,
  'low-balance': false,
  profile: false,
  // The gateway's own are bounded where they are raised.
  gateway: false,
} as const satisfies Record<AlertKind, boolean>;
const STORM = 'storm:';
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

  /** Takes up the storms among these alerts, which stood when the program before this one ended. */
  resume(standing: readonly Alert[], nowMs: number): void {
    for (const alert of standing) {
      const kind = alert.meter === this.#gateway ? stormKind(alert) : undefined;
      if (kind === undefined) continue;
      const before = typeof alert.evidence.meters === 'number' ? alert.evidence.meters : 0;
      this.#storms.set(kind, { alert, meters: new Set(), before, lastMs: nowMs, toldMs: nowMs, told: before });
    }
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
      if (alert.state !== 'raised' || !COMMON_CAUSE[alert.kind] || isArea(alert)) continue;
      const meters = this.#recent.get(alert.kind) ?? new Map<string, number>();
      this.#recent.set(alert.kind, meters);
      meters.set(alert.meter, nowMs);
      for (const [meter, atMs] of meters) if (nowMs - atMs > windowMs || meters.size > METERS_MAX) meters.delete(meter);
      if (meters.size < stormMeters || this.#storms.has(alert.kind)) continue;
      this.#storms.set(alert.kind, {
        alert: this.#stormOf(alert),
        meters: new Set(meters.keys()),
        before: 0,
        lastMs: nowMs,
        toldMs: Number.NEGATIVE_INFINITY,
        told: 0,
      });
    }
  }

  #stormOf(first: Alert): Alert {
    const kind = first.kind === 'outage' ? 'outage' : 'gateway';
    const key = `${STORM}${first.kind}`;
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
      const size = storm.before + storm.meters.size;
      const grown = size > storm.told && nowMs - storm.toldMs >= updateMs;
      if (!over && !grown) continue;
      const state = over ? 'cleared' : storm.told === 0 ? 'raised' : 'updated';
      storm.told = size;
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

function stormKind({ kind, evidence }: Alert): AlertKind | undefined {
  if (kind === 'outage') return evidence.scope === 'area' ? 'outage' : undefined;
  const fault = String(evidence.fault ?? '');
  return fault.startsWith(STORM) ? (fault.slice(STORM.length) as AlertKind) : undefined;
}

function isArea(alert: Alert): boolean {
  return alert.evidence.scope !== undefined && alert.evidence.scope !== 'meter';
}
