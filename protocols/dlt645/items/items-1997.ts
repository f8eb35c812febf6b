/** DL/T 645-1997: identifiers of two bytes, one digit for each axis, no signs; annex A of that standard. */
import type { Bits, Row } from './row.ts';

const KWH = { unit: 'kWh', format: 'NNNNNN.NN' } as const;
const KVARH = { unit: 'kvarh', format: 'NNNNNN.NN' } as const;
const AT = { unit: '', format: 'MMDDhhmm' } as const;
const COUNT = { unit: '', format: 'NN' } as const;
const TIMES = { unit: '', format: 'NNNN' } as const;
const MINUTES = { unit: 'min', format: 'NNNNNN' } as const;

/** The low digit pair of DI1: this month, last month, the month before that. */
const MONTHS = [
  { plus: 0, en: '', zh: '' },
  { plus: 4, en: ', last month', zh: '(上月)' },
  { plus: 8, en: ', two months back', zh: '(上上月)' },
] as const;

/** DI1 counts from 0 for active and 1 for reactive; `high` is the first digit of DI0. */
const QUANTITIES = [
  { di1: 0, high: '1', en: 'forward active', zh: '正向有功', energy: KWH, power: 'kW' },
  { di1: 0, high: '2', en: 'reverse active', zh: '反向有功', energy: KWH, power: 'kW' },
  { di1: 1, high: '1', en: 'forward reactive', zh: '正向无功', energy: KVARH, power: 'kvar' },
  { di1: 1, high: '2', en: 'reverse reactive', zh: '反向无功', energy: KVARH, power: 'kvar' },
  { di1: 1, high: '3', en: 'quadrant 1 reactive', zh: '一象限无功', energy: KVARH, power: 'kvar' },
  { di1: 1, high: '4', en: 'quadrant 4 reactive', zh: '四象限无功', energy: KVARH, power: 'kvar' },
  { di1: 1, high: '5', en: 'quadrant 2 reactive', zh: '二象限无功', energy: KVARH, power: 'kvar' },
  { di1: 1, high: '6', en: 'quadrant 3 reactive', zh: '三象限无功', energy: KVARH, power: 'kvar' },
] as const;

const METER_STATE = [
  { bit: 0, en: 'reading', zh: '抄表', states: ['manual', 'automatic'] },
  { bit: 1, en: 'demand period', zh: '最大需量积算方式', states: ['sliding', 'interval'] },
  { bit: 2, en: 'battery', zh: '电池电压', states: ['normal', 'low'] },
  { bit: 4, en: 'active power direction', zh: '有功电能方向', states: ['forward', 'reverse'] },
  { bit: 5, en: 'reactive power direction', zh: '无功电能方向', states: ['forward', 'reverse'] },
] as const satisfies readonly Bits[];

const GRID_STATE = [
  { bit: 0, en: 'phase break L1', zh: 'A相断电' },
  { bit: 1, en: 'phase break L2', zh: 'B相断电' },
  { bit: 2, en: 'phase break L3', zh: 'C相断电' },
  { bit: 4, en: 'overvoltage L1', zh: 'A相过压' },
  { bit: 5, en: 'overvoltage L2', zh: 'B相过压' },
  { bit: 6, en: 'overvoltage L3', zh: 'C相过压' },
] as const satisfies readonly Bits[];

const PLAIN = [
  { di: 'B210', en: 'last programming at', zh: '最近一次编程时间', ...AT },
  { di: 'B211', en: 'last clearing of demand at', zh: '最近一次最大需量清零时间', ...AT },
  { di: 'B212', en: 'programming count', zh: '编程次数', ...TIMES },
  { di: 'B213', en: 'demand clearing count', zh: '最大需量清零次数', ...TIMES },
  { di: 'B214', en: 'battery working time', zh: '电池工作时间', ...MINUTES },
  { di: 'B31Q', en: 'phase break count {Q}', zh: '{Q}断相次数', ...TIMES },
  { di: 'B32Q', en: 'phase break duration {Q}', zh: '{Q}断相时间累计值', ...MINUTES },
  { di: 'B33Q', en: 'last phase break began {Q}', zh: '{Q}最近一次断相起始时刻', ...AT },
  { di: 'B34Q', en: 'last phase break ended {Q}', zh: '{Q}最近一次断相结束时刻', ...AT },
  { di: 'B61P', en: 'voltage {P}', zh: '{P}电压', unit: 'V', format: 'NNNN' },
  { di: 'B62P', en: 'current {P}', zh: '{P}电流', unit: 'A', format: 'NN.NN' },
  { di: 'B63Q', en: 'active power {Q}', zh: '瞬时{Q}有功功率', unit: 'kW', format: 'NN.NNNN' },
  { di: 'B634', en: 'forward active power limit', zh: '正向有功功率上限值', unit: 'kW', format: 'NN.NN' },
  { di: 'B635', en: 'reverse active power limit', zh: '反向有功功率上限值', unit: 'kW', format: 'NN.NN' },
  { di: 'B64Q', en: 'reactive power {Q}', zh: '瞬时{Q}无功功率', unit: 'kvar', format: 'NN.NN' },
  { di: 'B65Q', en: 'power factor {Q}', zh: '{Q}功率因数', unit: '', format: 'N.NNN' },
  {
    di: 'C010',
    en: 'date and weekday',
    zh: '日期及周次',
    lastFirst: true,
    fields: [
      { en: 'date', zh: '日期', unit: '', format: 'YYMMDD' },
      { en: 'weekday (0 Sunday)', zh: '周次', unit: '', format: 'NN' },
    ],
  },
  { di: 'C011', en: 'time', zh: '时间', unit: '', format: 'hhmmss' },
  { di: 'C020', en: 'meter state', zh: '电表运行状态字', unit: '', format: 'BITS8', bits: METER_STATE },
  { di: 'C021', en: 'grid state', zh: '电网状态字', unit: '', format: 'BITS8', bits: GRID_STATE },
  { di: 'C022', en: 'weekly rest days', zh: '周休日状态字', unit: '', format: 'BITS8' },
  { di: 'C030', en: 'active constant', zh: '电表常数(有功)', unit: 'imp/kWh', format: 'NNNNNN' },
  { di: 'C031', en: 'reactive constant', zh: '电表常数(无功)', unit: 'imp/kvarh', format: 'NNNNNN' },
  { di: 'C032', en: 'meter number', zh: '表号', unit: '', format: 'HEX6' },
  { di: 'C033', en: 'user number', zh: '用户号', unit: '', format: 'HEX6' },
  { di: 'C034', en: 'device number', zh: '设备码', unit: '', format: 'HEX6' },
  { di: 'C111', en: 'demand period', zh: '最大需量周期', unit: 'min', format: 'NN' },
  { di: 'C112', en: 'demand slide', zh: '滑差时间', unit: 'min', format: 'NN' },
  { di: 'C113', en: 'time of a screen', zh: '循显时间', unit: 's', format: 'NN' },
  { di: 'C114', en: 'time to settle', zh: '停显时间', unit: 's', format: 'NN' },
  { di: 'C115', en: 'decimals of energy shown', zh: '显示电能小数位数', ...COUNT },
  { di: 'C116', en: 'decimals of power shown', zh: '显示功率(最大需量)小数位数', ...COUNT },
  { di: 'C117', en: 'automatic reading day', zh: '自动抄表日期', unit: '', format: 'DDhh' },
  { di: 'C118', en: 'day that stands for the load', zh: '负荷代表日', unit: '', format: 'NN' },
  { di: 'C119', en: 'active energy at start', zh: '有功电能起始读数', unit: 'kWh', format: 'NNNNNNN.N' },
  { di: 'C11A', en: 'reactive energy at start', zh: '无功电能起始读数', unit: 'kvarh', format: 'NNNNNNN.N' },
  { di: 'C211', en: 'pulse width', zh: '输出脉冲宽度', unit: 'ms', format: 'NNNN' },
  { di: 'C212', en: 'password', zh: '密码权限及密码', unit: '', format: 'HEX4' },
  { di: 'C310', en: 'year zones', zh: '年时区数', ...COUNT },
  { di: 'C311', en: 'day-period tables', zh: '日时段表数', ...COUNT },
  { di: 'C312', en: 'periods of a day', zh: '日时段(每日切换数)', ...COUNT },
  { di: 'C313', en: 'tariffs', zh: '费率数', ...COUNT },
  { di: 'C314', en: 'public holidays', zh: '公共假日数', ...COUNT },
  { di: 'C32N', en: 'year zone {N}', zh: '{N}时区起始日期及日时段表号', unit: '', format: 'MMDDNN' },
  {
    di: 'C33N',
    en: 'first day-period table, period {N}',
    zh: '第1日时段表第{N}时段起始时间及费率号',
    unit: '',
    format: 'hhmmNN',
  },
  {
    di: 'C34N',
    en: 'second day-period table, period {N}',
    zh: '第2日时段表第{N}时段起始时间及费率号',
    unit: '',
    format: 'hhmmNN',
  },
  {
    di: 'C35N',
    en: 'third day-period table, period {N}',
    zh: '第3日时段表第{N}时段起始时间及费率号',
    unit: '',
    format: 'hhmmNN',
  },
  {
    di: 'C36N',
    en: 'fourth day-period table, period {N}',
    zh: '第4日时段表第{N}时段起始时间及费率号',
    unit: '',
    format: 'hhmmNN',
  },
  {
    di: 'C37N',
    en: 'fifth day-period table, period {N}',
    zh: '第5日时段表第{N}时段起始时间及费率号',
    unit: '',
    format: 'hhmmNN',
  },
  {
    di: 'C38N',
    en: 'sixth day-period table, period {N}',
    zh: '第6日时段表第{N}时段起始时间及费率号',
    unit: '',
    format: 'hhmmNN',
  },
  {
    di: 'C39N',
    en: 'seventh day-period table, period {N}',
    zh: '第7日时段表第{N}时段起始时间及费率号',
    unit: '',
    format: 'hhmmNN',
  },
  {
    di: 'C3AN',
    en: 'eighth day-period table, period {N}',
    zh: '第8日时段表第{N}时段起始时间及费率号',
    unit: '',
    format: 'hhmmNN',
  },
  { di: 'C41N', en: 'public holiday {N}', zh: '第{N}公共假日日期及日时段表号', unit: '', format: 'MMDDNN' },
  { di: 'C511', en: 'load profile starts at', zh: '负荷记录起始时间', ...AT },
  { di: 'C512', en: 'load profile interval', zh: '负荷记录间隔时间', unit: 'min', format: 'NNNN' },
] as const satisfies readonly Row[];

export const ITEMS_1997: readonly Row[] = [
  ...MONTHS.flatMap((month) =>
    QUANTITIES.flatMap(({ di1, high, en, zh, energy, power }): Row[] => [
      {
        di: `9${di1 + month.plus}${high}T`,
        en: `${en} energy {T}${month.en}`,
        zh: `${month.zh}${zh}{T}电能`,
        ...energy,
      },
      {
        di: `A${di1 + month.plus}${high}T`,
        en: `${en} maximum demand {T}${month.en}`,
        zh: `${month.zh}${zh}{T}最大需量`,
        unit: power,
        format: 'NN.NNNN',
      },
      {
        di: `B${di1 + month.plus}${high}T`,
        en: `${en} maximum demand {T} at${month.en}`,
        zh: `${month.zh}${zh}{T}最大需量发生时间`,
        ...AT,
      },
    ]),
  ),
  ...PLAIN,
];
