/** Frozen data: 2007 table A.6. What is frozen is the same for every family but the hourly one. */
import { type Row, TOTAL_AND_PHASES } from './row.ts';

/** DI2, and the axis of how many are kept. */
const FAMILIES = [
  { di2: '00', axis: 'GG', en: 'timed freeze', zh: '定时冻结' },
  { di2: '01', axis: 'II', en: 'instant freeze', zh: '瞬时冻结' },
  { di2: '02', axis: 'JJ', en: 'freeze on change of year zones', zh: '两套时区表切换冻结' },
  { di2: '03', axis: 'JJ', en: 'freeze on change of day periods', zh: '两套日时段表切换冻结' },
  { di2: '05', axis: 'JJ', en: 'freeze on change of prices', zh: '两套费率电价切换冻结' },
  { di2: '06', axis: 'RR', en: 'daily freeze', zh: '日冻结' },
  { di2: '07', axis: 'JJ', en: 'freeze on change of ladders', zh: '两套阶梯切换冻结' },
] as const;

/** Total, then the tariffs, as many as the meter has. */
const ENERGIES = [
  { di1: '01', en: 'forward active energy', zh: '正向有功电能', unit: 'kWh' },
  { di1: '02', en: 'reverse active energy', zh: '反向有功电能', unit: 'kWh' },
  { di1: '03', en: 'combined reactive energy 1', zh: '组合无功1电能', unit: 'kvarh', signed: true },
  { di1: '04', en: 'combined reactive energy 2', zh: '组合无功2电能', unit: 'kvarh', signed: true },
  { di1: '05', en: 'quadrant 1 reactive energy', zh: '第一象限无功电能', unit: 'kvarh' },
  { di1: '06', en: 'quadrant 2 reactive energy', zh: '第二象限无功电能', unit: 'kvarh' },
  { di1: '07', en: 'quadrant 3 reactive energy', zh: '第三象限无功电能', unit: 'kvarh' },
  { di1: '08', en: 'quadrant 4 reactive energy', zh: '第四象限无功电能', unit: 'kvarh' },
] as const;

const DEMANDS = [
  { di1: '09', en: 'forward active maximum demand', zh: '正向有功最大需量' },
  { di1: '0A', en: 'reverse active maximum demand', zh: '反向有功最大需量' },
] as const;

const POWERS = [
  { en: 'active power', zh: '有功功率', unit: 'kW' },
  { en: 'reactive power', zh: '无功功率', unit: 'kvar' },
].flatMap(({ en, zh, unit }) =>
  TOTAL_AND_PHASES.map(
    (of) => ({ en: `${en} ${of.en}`, zh: `${of.zh}${zh}`, unit, format: 'NN.NNNN', signed: true }) as const,
  ),
);

const MEMBERS = ['00', ...ENERGIES.map(({ di1 }) => di1), ...DEMANDS.map(({ di1 }) => di1), '10'];

const HOURLY = { unit: 'kWh', format: 'NNNNNN.NN' } as const;

export const FREEZE: readonly Row[] = [
  ...FAMILIES.flatMap(({ di2, axis, en, zh }): Row[] => [
    { di: `05${di2}00${axis}`, en: `${en} time{${axis}}`, zh: `{${axis}}${zh}时间`, unit: '', format: 'YYMMDDhhmm' },
    ...ENERGIES.map(
      (row): Row => ({
        di: `05${di2}${row.di1}${axis}`,
        en: `${en}{${axis}}, ${row.en}`,
        zh: `{${axis}}${zh}${row.zh}数据`,
        unit: row.unit,
        format: 'NNNNNN.NN',
        ...('signed' in row ? { signed: true } : {}),
        repeat: 'TT',
      }),
    ),
    ...DEMANDS.map(
      (row): Row => ({
        di: `05${di2}${row.di1}${axis}`,
        en: `${en}{${axis}}, ${row.en}`,
        zh: `{${axis}}${zh}${row.zh}及发生时间数据`,
        repeat: 'TT',
        fields: [
          { en: row.en, zh: row.zh, unit: 'kW', format: 'NN.NNNN' },
          { en: 'at', zh: '发生时间', unit: '', format: 'YYMMDDhhmm' },
        ],
      }),
    ),
    { di: `05${di2}10${axis}`, en: `${en}{${axis}}, power`, zh: `{${axis}}${zh}变量数据`, fields: POWERS },
    {
      di: `05${di2}FF${axis}`,
      en: `${en}{${axis}}, everything`,
      zh: `{${axis}}${zh}数据块`,
      parts: MEMBERS.map((di1) => `05${di2}${di1}${axis}`),
    },
  ]),
  { di: '050400MM', en: 'hourly freeze time{MM}', zh: '{MM}整点冻结时间', unit: '', format: 'YYMMDDhhmm' },
  { di: '050401MM', en: 'hourly freeze{MM}, forward active energy total', zh: '{MM}整点冻结正向有功总电能', ...HOURLY },
  { di: '050402MM', en: 'hourly freeze{MM}, reverse active energy total', zh: '{MM}整点冻结反向有功总电能', ...HOURLY },
  {
    di: '0504FFMM',
    en: 'hourly freeze{MM}, everything',
    zh: '{MM}整点冻结数据块',
    parts: ['050400MM', '050401MM', '050402MM'],
  },
];
