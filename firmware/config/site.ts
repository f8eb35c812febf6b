/**
 * The site file: one commented YAML document that says everything a gateway needs to know of where it stands.
 * This is its schema; `load.ts` reads it and says what is wrong with it, line by line.
 */
import { z } from 'zod';
import { settingProblem } from '../../detectors/catalogue.ts';
import { PROFILES, profileNamed } from '../../protocols/modbus/profiles.ts';
import { PREMISES } from '../../protocols/reading.ts';
import { isLoopback, parseListen } from '../page/listen.ts';
import { parsePortAddress } from '../port-address.ts';

/** A topic level and a certificate's common name: letters, digits, dot, dash; never MQTT's `+ # /`. */
const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'expected letters, digits, dots and dashes, at most 63');
const positive = z.number().positive();
const cell = z.string().min(1).max(64);

const thermal = z.strictObject({
  topOilRiseK: positive.optional(),
  hotSpotGradientK: positive.optional(),
  hotSpotFactor: positive.optional(),
  lossRatio: positive.optional(),
  x: positive.optional(),
  y: positive.optional(),
  k11: positive.optional(),
  k21: positive.optional(),
  k22: positive.optional(),
  tauOilMin: positive.optional(),
  tauWindingMin: positive.optional(),
  initialTopOilC: z.number().optional(),
});

const meterFacts = {
  premises: z.enum(PREMISES).optional(),
  phases: z.union([z.literal(1), z.literal(3)]).default(1),
  phase: z.union([z.literal(1), z.literal(2), z.literal(3)]).optional(),
  ratedCurrentA: positive.optional(),
  fuseA: positive.optional(),
  watch: z.array(z.enum(['elderly'])).optional(),
  charging: z.literal('allowed').optional(),
  grid: cell.optional(),
  feeder: cell.optional(),
  box: cell.optional(),
  tariff: z.strictObject({ tiersKwhPerMonth: z.array(positive).min(1) }).optional(),
  contract: z.string().max(64).optional(),
  ratedKva: positive.optional(),
  thermal: thermal.optional(),
  /** How long the meter may take to begin its answer. */
  answerMs: z.number().int().min(20).max(10_000).optional(),
  /** Silence before each request beyond the standard's own, for meters that miss requests which come at once. */
  quietMs: z.number().int().min(0).max(5_000).optional(),
  /** Dangerous commands (relay, clears, passwords, address) that the platform may give to this meter. */
  allow: z.array(z.enum(['relay', 'clear', 'password', 'address', 'write'])).optional(),
};

const dlt645Meter = z
  .strictObject({
    protocol: z.literal('dlt645'),
    /** A short address of 1997 is filled up with A in front. */
    address: z
      .string()
      .regex(/^(?=.{12}$)(?!9{12})(AA){0,5}\d+$/, 'expected the 12 digits printed on the meter, in quotes'),
    standard: z.enum(['2007', '1997']).default('2007'),
    id: name.optional(),
    /** The manufacturer item that carries a waveform, eight hex digits, where the meter has one. */
    waveformItem: z
      .string()
      .regex(/^[0-9A-Fa-f]{8}$/, 'expected eight hex digits')
      .optional(),
    /** Who the gateway is to the meter when the platform orders something; the passwords stand in files of six digits. */
    authority: z
      .strictObject({
        level: z.number().int().min(0).max(9).default(2),
        operator: z
          .string()
          .regex(/^\d{8}$/, 'expected eight digits, in quotes')
          .default('00000000'),
        passwordFile: z.string().min(1),
        nextPasswordFile: z.string().min(1).optional(),
      })
      .optional(),
    ...meterFacts,
  })
  .refine(({ address, standard }) => standard === '1997' || !address.includes('A'), {
    path: ['address'],
    error: 'expected 12 digits: only in 1997 is a short address filled up with A',
  });

const modbusMeter = z.strictObject({
  protocol: z.literal('modbus'),
  /** 1–247 on a line; 255 is how a meter of Modbus TCP is asked that has no number of its own. */
  unit: z
    .number()
    .int()
    .min(1)
    .refine((unit) => unit <= 247 || unit === 255, 'expected 1 to 247, or 255 on modbus-tcp://'),
  profile: z.string().refine((text) => profileNamed(text) !== undefined, {
    error: ({ input }) => `expected one of ${PROFILES.map((profile) => profile.name).join(', ')}, got ${input}`,
  }),
  id: name.optional(),
  /** How the meter hands out a waveform, where it does. */
  waveform: z.enum(['bender-pem575', 'ge-epm9650']).optional(),
  ...meterFacts,
});

const meter = z.discriminatedUnion('protocol', [dlt645Meter, modbusMeter]);

const port = z.string().superRefine((text, context) => {
  const parsed = parsePortAddress(text);
  if ('problem' in parsed) context.addIssue({ code: 'custom', message: parsed.problem });
});

const bus = z.strictObject({
  port,
  /** How often power and current are wanted; energy and the rest follow more slowly. Each protocol has its own default. */
  periodS: z.number().min(0.2).max(3600).optional(),
  meters: z.array(meter).min(1).max(64),
});

const uplink = z.strictObject({
  /** Tried in order. */
  brokers: z.array(z.string().regex(/^(mqtt|mqtts):\/\/\S+$/, 'expected mqtt://host:port or mqtts://host:port')).min(1),
  username: z.string().optional(),
  passwordFile: z.string().optional(),
  tls: z
    .strictObject({ caFile: z.string().optional(), certFile: z.string().optional(), keyFile: z.string().optional() })
    .optional(),
  /** `receipt`: an alert leaves the disk when the platform itself says it has stored it. `puback`: when the broker took
   * it, which a default Mosquitto forgets when it is killed. */
  delivery: z.enum(['receipt', 'puback']).default('receipt'),
  format: z.enum(['cbor', 'json']).default('cbor'),
  receiptDeadlineS: z.number().min(1).max(3600).default(30),
  /** The longest pause between two tries to reach a broker; tries are spread so that a fleet does not come at once. */
  reconnectMaxS: z.number().min(1).max(3600).default(300),
  /** Another platform's form: a template as in deploy/platform/dialects, and what it wants to know of the site. */
  dialect: z.strictObject({ file: z.string(), values: z.record(z.string(), z.string()).default({}) }).optional(),
  /** Sums over at least ten meters of a grid cell and a quarter of an hour; nothing else of the readings ever leaves by itself. */
  summaries: z.boolean().default(false),
});

/** Clocks of the meters. A broadcast may move one by five minutes at most (DL/T 645-2007, 7.4.6). */
const meterClocks = z
  .strictObject({
    syncWithinS: z.number().min(2).max(300).default(5),
    alarmBeyondS: z.number().min(2).max(300).default(300),
  })
  .refine(({ syncWithinS, alarmBeyondS }) => syncWithinS <= alarmBeyondS, 'expected syncWithinS up to alarmBeyondS');

const store = z.strictObject({
  /** The directory that survives a power cut. */
  directory: z.string().min(1).default('state'),
  maxAlerts: z.number().int().min(1000).max(5_000_000).default(1_000_000),
});

const commands = z.strictObject({
  /** Public keys that may command this gateway, and what each may do. */
  keys: z
    .array(
      z.strictObject({
        id: name,
        publicKeyFile: z.string(),
        roles: z.array(z.enum(['viewer', 'worker', 'operator', 'maintainer'])).min(1),
      }),
    )
    .default([]),
});

const page = z
  .strictObject({
    /** Address of the service port. Beyond this machine it needs `tls` and `passwordFile`. */
    listen: z.string().refine((text) => parseListen(text) !== undefined, 'expected host:port, such as 127.0.0.1:8080'),
    /** The scrypt hash that `provision` wrote; the password itself is on the label. */
    passwordFile: z.string().optional(),
    tls: z.strictObject({ certFile: z.string(), keyFile: z.string() }).optional(),
    metrics: z.boolean().default(false),
  })
  .superRefine(({ listen, passwordFile, tls }, context) => {
    const missing = [...(tls === undefined ? ['tls'] : []), ...(passwordFile === undefined ? ['passwordFile'] : [])];
    if (missing.length === 0 || isLoopback(parseListen(listen)?.host ?? '')) return;
    const message = `${listen} can be reached from beyond this machine: expected ${missing.join(' and ')} beside it, or 127.0.0.1`;
    context.addIssue({ code: 'custom', path: ['listen'], message });
  });

/** Settings of the detectors, by name; the catalogue knows which there are. */
const detectorSettings = z
  .record(z.string(), z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])))
  .superRefine((detectors, context) => {
    const check = (path: string[], message: string | undefined) => {
      if (message !== undefined) context.addIssue({ code: 'custom', path, message });
    };
    for (const [name, settings] of Object.entries(detectors)) {
      const unknown = settingProblem(name);
      check([name], unknown);
      if (unknown !== undefined) continue;
      for (const [key, value] of Object.entries(settings)) check([name, key], settingProblem(name, key, value));
    }
  });

const minutes = z.array(positive).max(2);

const worker = z.strictObject({ name: z.string().max(64), contact: z.string().max(64).optional() });
const gridCell = z.strictObject({
  power: z.array(worker).max(3).default([]),
  community: z.array(worker).max(3).default([]),
});

export const siteSchema = z.strictObject({
  gateway: z.strictObject({
    id: name,
    timezone: z.string().refine(isTimezone, 'expected an IANA zone such as Asia/Shanghai').default('Asia/Shanghai'),
  }),
  buses: z.array(bus).min(1).max(64),
  uplink,
  clock: meterClocks.prefault({}),
  store: store.prefault({}),
  commands: commands.prefault({}),
  page: page.optional(),
  detectors: detectorSettings.default({}),
  /** Minutes after which an alert that nobody took goes to the next in the chain. */
  escalateMin: z
    .strictObject({
      notice: minutes.default([]),
      warning: minutes.default([10, 30]),
      critical: minutes.default([10, 30]),
    })
    .prefault({}),
  /** Grid cell → who acts there, each a chain of up to three. */
  grid: z.record(cell, gridCell).default({}),
});

export type Site = z.infer<typeof siteSchema>;
export type SiteBus = Site['buses'][number];
export type SiteMeter = SiteBus['meters'][number];

function isTimezone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
