// Made from firmware/uplink/wire-fields.ts by deploy/platform/generate.ts.
export const MESSAGES = {
  alert: {
    v: {
      key: 0,
      type: 'version',
    },
    sequence: {
      key: 1,
      type: 'uint',
    },
    id: {
      key: 4,
      type: 'id',
    },
    meter: {
      key: 3,
      type: 'meter',
    },
    kind: {
      type: 'word',
      words: [
        'illegal-charging',
        'inactivity',
        'overload',
        'overload-forecast',
        'imbalance',
        'occupancy',
        'night-residence',
        'abnormal-use',
        'leakage',
        'tariff-tier',
        'low-balance',
        'outage',
        'voltage',
        'meter-fault',
        'tamper',
        'profile',
        'gateway',
      ],
    },
    state: {
      type: 'word',
      words: ['raised', 'updated', 'cleared'],
    },
    severity: {
      type: 'word',
      words: ['notice', 'warning', 'critical'],
    },
    recipients: {
      type: 'words',
      words: ['power', 'community', 'dispatch'],
    },
    at: {
      type: 'time',
    },
    since: {
      key: 9,
      type: 'before',
      of: 'at',
    },
    confidence: {
      type: 'permille',
    },
    evidence: {
      key: 11,
      type: 'evidence',
    },
    grid: {
      key: 12,
      type: 'text',
      max: 64,
      optional: true,
    },
    flags: {
      key: 13,
      type: 'words',
      words: ['replayed', 'clock-unsynchronised', 'not-durable'],
      optional: true,
    },
  },
  step: {
    v: {
      key: 0,
      type: 'version',
    },
    sequence: {
      key: 1,
      type: 'uint',
    },
    alert: {
      key: 2,
      type: 'id',
    },
    meter: {
      key: 3,
      type: 'meter',
    },
    step: {
      key: 4,
      type: 'word',
      words: ['routed', 'acknowledged', 'dispatched', 'result', 'escalated', 'cleared'],
    },
    at: {
      key: 8,
      type: 'time',
    },
    by: {
      key: 5,
      type: 'text',
      max: 64,
      optional: true,
    },
    to: {
      key: 6,
      type: 'texts',
      max: 16,
      optional: true,
    },
    level: {
      key: 7,
      type: 'uint',
      optional: true,
    },
    note: {
      key: 9,
      type: 'text',
      max: 256,
      optional: true,
    },
    flags: {
      key: 13,
      type: 'words',
      words: ['replayed', 'clock-unsynchronised', 'not-durable'],
      optional: true,
    },
  },
  result: {
    v: {
      key: 0,
      type: 'version',
    },
    sequence: {
      key: 1,
      type: 'uint',
    },
    id: {
      key: 2,
      type: 'text',
      max: 64,
    },
    op: {
      key: 3,
      type: 'text',
      max: 32,
    },
    status: {
      key: 4,
      type: 'word',
      words: ['done', 'failed', 'refused', 'unknown', 'started'],
    },
    at: {
      key: 8,
      type: 'time',
    },
    reason: {
      key: 5,
      type: 'text',
      max: 256,
      optional: true,
    },
    data: {
      key: 6,
      type: 'any',
      optional: true,
    },
    flags: {
      key: 13,
      type: 'words',
      words: ['replayed', 'clock-unsynchronised', 'not-durable'],
      optional: true,
    },
  },
  summary: {
    v: {
      key: 0,
      type: 'version',
    },
    sequence: {
      key: 1,
      type: 'uint',
    },
    cell: {
      key: 2,
      type: 'text',
      max: 64,
    },
    from: {
      key: 3,
      type: 'before',
      of: 'to',
    },
    to: {
      key: 4,
      type: 'time',
    },
    meters: {
      key: 5,
      type: 'uint',
    },
    energyWh: {
      key: 6,
      type: 'number',
    },
    maxPowerW: {
      key: 7,
      type: 'number',
    },
    flags: {
      key: 13,
      type: 'words',
      words: ['replayed', 'clock-unsynchronised', 'not-durable'],
      optional: true,
    },
  },
  status: {
    v: {
      key: 0,
      type: 'version',
    },
    state: {
      key: 1,
      type: 'word',
      words: ['online', 'offline'],
    },
    at: {
      key: 2,
      type: 'time',
    },
    reason: {
      key: 3,
      type: 'text',
      max: 128,
    },
    version: {
      key: 4,
      type: 'text',
      max: 32,
    },
    store: {
      key: 5,
      type: 'text',
      max: 16,
    },
    boots: {
      key: 6,
      type: 'uint',
    },
    meters: {
      key: 7,
      type: 'uint',
    },
    waiting: {
      key: 8,
      type: 'uint',
    },
    dead: {
      key: 9,
      type: 'uint',
    },
    dropped: {
      key: 10,
      type: 'uint',
    },
    flags: {
      key: 13,
      type: 'words',
      words: ['replayed', 'clock-unsynchronised', 'not-durable'],
      optional: true,
    },
  },
  receipt: {
    v: {
      key: 0,
      type: 'version',
    },
    stored: {
      key: 1,
      type: 'receipts',
      max: 1000,
    },
  },
};
export const ALERT_HEAD = {
  key: 2,
  bits: {
    id: 48,
    meter: 48,
    at: 48,
    kind: 6,
    confidence: 10,
    state: 2,
    severity: 2,
    recipients: 4,
  },
};
export const EVIDENCE = [
  {
    name: 'stage',
    words: ['suspected', 'confirmed', 'ask', 'alarm'],
  },
  {
    name: 'inputs',
    words: ['power', 'harmonics', 'waveform'],
  },
  {
    name: 'powerW',
    scale: 10,
  },
  {
    name: 'peakW',
    scale: 10,
  },
  {
    name: 'harmonic3Share',
    scale: 100,
  },
  {
    name: 'harmonic5Share',
    scale: 100,
  },
  {
    name: 'harmonic7Share',
    scale: 100,
  },
  {
    name: 'displacementPf',
    scale: 100,
  },
  {
    name: 'conductionDeg',
  },
  {
    name: 'energyWh',
    scale: 10,
  },
  {
    name: 'durationMin',
    scale: 10,
  },
  {
    name: 'silentH',
    scale: 10,
  },
  {
    name: 'usualLongestH',
    scale: 10,
  },
  {
    name: 'level',
    words: ['heavy', 'overload'],
  },
  {
    name: 'loadPercent',
    scale: 10,
  },
  {
    name: 'limitPercent',
    scale: 10,
  },
  {
    name: 'phase',
  },
  {
    name: 'currentA',
    scale: 100,
  },
  {
    name: 'voltageV',
    scale: 10,
  },
  {
    name: 'scope',
    words: ['meter', 'phase', 'branch', 'area'],
  },
  {
    name: 'meters',
  },
  {
    name: 'repeats',
  },
  {
    name: 'class',
    words: ['vacant', 'suspected-vacant', 'low-activity'],
  },
  {
    name: 'fault',
  },
  {
    name: 'escalation',
  },
  {
    name: 'folded',
  },
  {
    name: 'sign',
  },
  {
    name: 'probability',
    scale: 1000,
  },
  {
    name: 'horizonH',
  },
  {
    name: 'hotSpotC',
    scale: 10,
  },
  {
    name: 'topOilC',
    scale: 10,
  },
  {
    name: 'minutesToLimit',
  },
  {
    name: 'balanceYuan',
    scale: 100,
  },
  {
    name: 'heldMin',
    scale: 10,
  },
  {
    name: 'limitA',
    scale: 10,
  },
  {
    name: 'count',
  },
  {
    name: 'days',
  },
  {
    name: 'monthKwh',
    scale: 10,
  },
  {
    name: 'tier',
  },
  {
    name: 'detail',
  },
];
