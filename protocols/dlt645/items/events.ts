/**
 * Event records: 2007 table A.4. Each kind has totals (`…0000`) and its last ten records; the records are composed here
 * from the few runs of fields the standard composes them from. Records over 200 bytes come in follow-on frames.
 */
import { type Field, PHASES, type Row, TOTAL_AND_PHASES } from './row.ts';

const TIME = { unit: '', format: 'YYMMDDhhmmss' } as const;
const COUNT = { unit: '', format: 'NNNNNN' } as const;
const KWH = { unit: 'kWh', format: 'NNNNNN.NN' } as const;
const KVARH = { unit: 'kvarh', format: 'NNNNNN.NN' } as const;
const CODE = { unit: '', format: 'HEX4' } as const;

const BEGAN: Field = { en: 'began', zh: '发生时刻', ...TIME };
const ENDED: Field = { en: 'ended', zh: '结束时刻', ...TIME };
const AT: Field = { en: 'at', zh: '发生时刻', ...TIME };
const OPERATOR: Field = { en: 'operator', zh: '操作者代码', ...CODE };

/** Energy counted while the event lasted. */
function increments(of: { en: string; zh: string }): Field[] {
  return [
    { en: `forward active energy ${of.en} meanwhile`, zh: `期间${of.zh}正向有功电能增量`, ...KWH },
    { en: `reverse active energy ${of.en} meanwhile`, zh: `期间${of.zh}反向有功电能增量`, ...KWH },
    {
      en: `combined reactive energy 1 ${of.en} meanwhile`,
      zh: `期间${of.zh}组合无功1电能增量`,
      ...KVARH,
      signed: true,
    },
    {
      en: `combined reactive energy 2 ${of.en} meanwhile`,
      zh: `期间${of.zh}组合无功2电能增量`,
      ...KVARH,
      signed: true,
    },
  ];
}

/** What one phase measured when the event began. */
function snapshot(phase: { en: string; zh: string }): Field[] {
  return [
    { en: `voltage ${phase.en}`, zh: `时刻${phase.zh}电压`, unit: 'V', format: 'NNN.N' },
    { en: `current ${phase.en}`, zh: `时刻${phase.zh}电流`, unit: 'A', format: 'NNN.NNN', signed: true },
    { en: `active power ${phase.en}`, zh: `时刻${phase.zh}有功功率`, unit: 'kW', format: 'NN.NNNN', signed: true },
    { en: `reactive power ${phase.en}`, zh: `时刻${phase.zh}无功功率`, unit: 'kvar', format: 'NN.NNNN', signed: true },
    { en: `power factor ${phase.en}`, zh: `时刻${phase.zh}功率因数`, unit: '', format: 'N.NNN', signed: true },
  ];
}

const AMPERE_HOURS: Field[] = TOTAL_AND_PHASES.map(({ en, zh }) => ({
  en: `charge ${en} meanwhile`,
  zh: `期间${zh}安时数`,
  unit: 'Ah',
  format: 'NNNNNN.NN',
}));

const RECORD_OF_ENERGY: Field[] = [BEGAN, ENDED, ...TOTAL_AND_PHASES.flatMap(increments)];
const RECORD_OF_IMBALANCE: Field[] = [
  BEGAN,
  ENDED,
  { en: 'largest imbalance', zh: '最大不平衡率', unit: '%', format: 'NN.NN' },
  ...TOTAL_AND_PHASES.flatMap(increments),
];
const RECORD_OF_CURRENT: Field[] = [
  BEGAN,
  ENDED,
  ...increments(TOTAL_AND_PHASES[0]),
  ...PHASES.flatMap((phase) => [...increments(phase), ...snapshot(phase)]),
];
const RECORD_OF_VOLTAGE: Field[] = [...RECORD_OF_CURRENT, ...AMPERE_HOURS];

function counted(name = { en: '', zh: '' }): Field[] {
  return [
    { en: `count ${name.en}`.trim(), zh: `${name.zh}总次数`, ...COUNT },
    { en: `duration ${name.en}`.trim(), zh: `${name.zh}总累计时间`, unit: 'min', format: 'NNNNNN' },
  ];
}

/** Kinds with totals and records of each phase. */
const BY_PHASE = [
  { di2: '01', en: 'voltage loss', zh: '失压', record: RECORD_OF_VOLTAGE },
  { di2: '02', en: 'undervoltage', zh: '欠压', record: RECORD_OF_VOLTAGE },
  { di2: '03', en: 'overvoltage', zh: '过压', record: RECORD_OF_VOLTAGE },
  { di2: '04', en: 'phase break', zh: '断相', record: RECORD_OF_VOLTAGE },
  { di2: '0B', en: 'current loss', zh: '失流', record: RECORD_OF_CURRENT },
  { di2: '0C', en: 'overcurrent', zh: '过流', record: RECORD_OF_CURRENT },
  { di2: '0D', en: 'current break', zh: '断流', record: RECORD_OF_CURRENT },
  { di2: '0E', en: 'reverse flow', zh: '潮流反向', record: RECORD_OF_ENERGY },
  { di2: '0F', en: 'overload', zh: '过载', record: RECORD_OF_ENERGY },
] as const;

const OF_METER = [
  {
    di2: '05',
    en: 'loss of all voltages',
    zh: '全失压',
    record: [BEGAN, { en: 'current', zh: '电流值', unit: 'A', format: 'NNN.NNN', signed: true }, ENDED],
  },
  { di2: '06', en: 'loss of auxiliary supply', zh: '辅助电源失电', record: [BEGAN, ENDED] },
  { di2: '07', en: 'wrong voltage sequence', zh: '电压逆相序', record: RECORD_OF_ENERGY },
  { di2: '08', en: 'wrong current sequence', zh: '电流逆相序', record: RECORD_OF_ENERGY },
  { di2: '09', en: 'voltage imbalance', zh: '电压不平衡', record: RECORD_OF_IMBALANCE },
  { di2: '0A', en: 'current imbalance', zh: '电流不平衡', record: RECORD_OF_IMBALANCE },
] as const satisfies readonly { di2: string; en: string; zh: string; record: readonly Field[] }[];

const COMPLIANCE: Field[] = [
  { en: 'watched', zh: '电压监测时间', unit: 'min', format: 'NNNNNN' },
  { en: 'within limits', zh: '电压合格率', unit: '%', format: 'NNNN.NN' },
  { en: 'out of limits', zh: '电压超限率', unit: '%', format: 'NNNN.NN' },
  { en: 'above the upper limit', zh: '电压超上限时间', unit: 'min', format: 'NNNNNN' },
  { en: 'below the lower limit', zh: '电压超下限时间', unit: 'min', format: 'NNNNNN' },
  { en: 'highest voltage', zh: '最高电压', unit: 'V', format: 'NNN.N' },
  { en: 'highest voltage at', zh: '最高电压出现时间', unit: '', format: 'MMDDhhmm' },
  { en: 'lowest voltage', zh: '最低电压', unit: 'V', format: 'NNN.N' },
  { en: 'lowest voltage at', zh: '最低电压出现时间', unit: '', format: 'MMDDhhmm' },
];

const QUANTITIES = [
  { di1: '01', en: 'forward active', zh: '正向有功', unit: 'kW', energy: 'kWh' },
  { di1: '02', en: 'reverse active', zh: '反向有功', unit: 'kW', energy: 'kWh' },
  { di1: '03', en: 'quadrant 1 reactive', zh: '第一象限无功', unit: 'kvar', energy: 'kvarh' },
  { di1: '04', en: 'quadrant 2 reactive', zh: '第二象限无功', unit: 'kvar', energy: 'kvarh' },
  { di1: '05', en: 'quadrant 3 reactive', zh: '第三象限无功', unit: 'kvar', energy: 'kvarh' },
  { di1: '06', en: 'quadrant 4 reactive', zh: '第四象限无功', unit: 'kvar', energy: 'kvarh' },
] as const;

function energies(of: { en: string; zh: string }, when: { en: string; zh: string }): Field[] {
  return QUANTITIES.map(({ en, zh, energy }) => ({
    en: `${en} energy ${of.en} ${when.en}`,
    zh: `${when.zh}${of.zh}${zh}电能`,
    unit: energy,
    format: 'NNNNNN.NN',
  }));
}

function demands(of: { en: string; zh: string }): Field[] {
  return QUANTITIES.flatMap(({ en, zh, unit }): Field[] => [
    { en: `${en} maximum demand ${of.en} before`, zh: `清零前${of.zh}${zh}最大需量`, unit, format: 'NN.NNNN' },
    {
      en: `${en} maximum demand ${of.en} before, at`,
      zh: `清零前${of.zh}${zh}最大需量发生时间`,
      unit: '',
      format: 'YYMMDDhhmm',
    },
  ]);
}

function tables(entries: { en: string; zh: string; format: 'hhmmNN' | 'MMDDNN' }): Field[] {
  return [
    { en: 'first', zh: '第一套' },
    { en: 'second', zh: '第二套' },
  ].flatMap((set) =>
    Array.from({ length: 14 }, (_, i) => ({
      en: `${set.en} set, ${entries.en} ${i + 1} before`,
      zh: `编程前${set.zh}第${i + 1}${entries.zh}`,
      unit: '',
      format: entries.format,
    })),
  );
}

const BEFORE = { en: 'before', zh: '前' } as const;
const AFTER = { en: 'after', zh: '后' } as const;
const OPENED: Field[] = [
  BEGAN,
  ENDED,
  ...energies(TOTAL_AND_PHASES[0], BEFORE),
  ...energies(TOTAL_AND_PHASES[0], AFTER),
];
const MODE_BEFORE: Field = { en: 'mode before', zh: '编程前特征字', unit: '', format: 'HEX1' };

/** What people did to the meter: 03 30. */
const HANDLING = [
  {
    di1: '00',
    en: 'programming',
    zh: '编程',
    record: [
      AT,
      OPERATOR,
      ...Array.from({ length: 10 }, (_, i): Field => ({ en: `item ${i + 1}`, zh: `第${i + 1}个数据标识码`, ...CODE })),
    ],
  },
  {
    di1: '01',
    en: 'clearing of the meter',
    zh: '电表清零',
    record: [AT, OPERATOR, ...TOTAL_AND_PHASES.flatMap((of) => energies(of, BEFORE))],
  },
  { di1: '02', en: 'clearing of demand', zh: '需量清零', record: [AT, OPERATOR, ...TOTAL_AND_PHASES.flatMap(demands)] },
  {
    di1: '03',
    en: 'clearing of events',
    zh: '事件清零',
    record: [AT, OPERATOR, { en: 'item', zh: '事件清零数据标识码', ...CODE }],
  },
  // The operator stands first in this one alone.
  {
    di1: '04',
    en: 'time change',
    zh: '校时',
    record: [
      OPERATOR,
      { en: 'time before', zh: '校时前时间', ...TIME },
      { en: 'time after', zh: '校时后时间', ...TIME },
    ],
  },
  {
    di1: '05',
    en: 'programming of day-period tables',
    zh: '时段表编程',
    record: [AT, OPERATOR, ...tables({ en: 'day period', zh: '日时段表数据', format: 'hhmmNN' })],
  },
  {
    di1: '06',
    en: 'programming of year-zone tables',
    zh: '时区表编程',
    record: [AT, OPERATOR, ...tables({ en: 'year zone', zh: '时区数据', format: 'MMDDNN' })],
  },
  {
    di1: '07',
    en: 'programming of rest days',
    zh: '周休日编程',
    record: [AT, OPERATOR, { en: 'day-period table before', zh: '编程前采用的日时段表号', unit: '', format: 'NN' }],
  },
  {
    di1: '08',
    en: 'programming of holidays',
    zh: '节假日编程',
    record: [
      AT,
      OPERATOR,
      ...Array.from(
        { length: 254 },
        (_, i): Field => ({
          en: `holiday ${i + 1} before`,
          zh: `编程前第${i + 1}节假日数据`,
          unit: '',
          format: 'YYMMDDNN',
        }),
      ),
    ],
  },
  {
    di1: '09',
    en: 'programming of the combined active mode',
    zh: '有功组合方式编程',
    record: [AT, OPERATOR, MODE_BEFORE],
  },
  {
    di1: '0A',
    en: 'programming of the combined reactive 1 mode',
    zh: '无功组合方式1编程',
    record: [AT, OPERATOR, MODE_BEFORE],
  },
  {
    di1: '0B',
    en: 'programming of the combined reactive 2 mode',
    zh: '无功组合方式2编程',
    record: [AT, OPERATOR, MODE_BEFORE],
  },
  {
    di1: '0C',
    en: 'programming of settlement days',
    zh: '结算日编程',
    record: [
      AT,
      OPERATOR,
      ...[1, 2, 3].map(
        (day): Field => ({
          en: `settlement day ${day} before`,
          zh: `编程前每月第${day}结算日`,
          unit: '',
          format: 'DDhh',
        }),
      ),
    ],
  },
  { di1: '0D', en: 'opening of the meter cover', zh: '开表盖', record: OPENED },
  { di1: '0E', en: 'opening of the terminal cover', zh: '开端钮盒', record: OPENED },
] as const satisfies readonly { di1: string; en: string; zh: string; record: readonly Field[] }[];

export const EVENTS: readonly Row[] = [
  { di: '03110000', en: 'power-off count', zh: '掉电总次数', ...COUNT },
  { di: '031100NN', en: 'power-off{NN}', zh: '{NN}掉电记录', fields: [BEGAN, ENDED] },
  ...HANDLING.flatMap(({ di1, en, zh, record }): Row[] => [
    { di: `0330${di1}00`, en: `${en}, count`, zh: `${zh}总次数`, ...COUNT },
    { di: `0330${di1}NN`, en: `${en}{NN}`, zh: `{NN}${zh}记录`, fields: record },
  ]),
  ...BY_PHASE.flatMap(({ di2, en, zh, record }): Row[] => [
    { di: `03${di2}0000`, en: `${en}, count`, zh: `${zh}总次数，总累计时间`, fields: PHASES.flatMap(counted) },
    { di: `03${di2}PPNN`, en: `${en} {PP}{NN}`, zh: `{NN}{PP}${zh}记录`, fields: record },
  ]),
  ...OF_METER.flatMap(({ di2, en, zh, record }): Row[] => [
    { di: `03${di2}0000`, en: `${en}, count`, zh: `${zh}总次数，总累计时间`, fields: counted() },
    { di: `03${di2}00NN`, en: `${en}{NN}`, zh: `{NN}${zh}记录`, fields: record },
  ]),
  { di: '031000LL', en: 'voltage compliance{LL}', zh: '{LL}电压合格率统计数据', fields: COMPLIANCE },
  { di: '0310PPLL', en: 'voltage compliance {PP}{LL}', zh: '{LL}{PP}电压合格率统计数据', fields: COMPLIANCE },
  {
    di: '03120000',
    en: 'demand over limit, count',
    zh: '需量超限总次数',
    fields: QUANTITIES.map(({ en, zh }) => ({ en: `${en} count`, zh: `${zh}需量超限总次数`, ...COUNT })),
  },
  ...QUANTITIES.map(
    ({ di1, en, zh, unit }): Row => ({
      di: `0312${di1}NN`,
      en: `${en} demand over limit{NN}`,
      zh: `{NN}${zh}需量超限记录`,
      fields: [
        BEGAN,
        ENDED,
        { en: 'maximum demand meanwhile', zh: '期间最大需量', unit, format: 'NN.NNNN' },
        { en: 'maximum demand at', zh: '期间最大需量发生时间', unit: '', format: 'YYMMDDhhmm' },
      ],
    }),
  ),
];
