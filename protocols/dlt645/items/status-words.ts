/** Status words 1 to 7 (04000501–04000507), bit by bit; 16 bits each, D0 first. */
import type { Bits, Row } from './row.ts';

const DIRECTION = ['forward', 'reverse'] as const;
const BATTERY = ['normal', 'low'] as const;

const WORD_1 = [
  { bit: 1, en: 'demand period', zh: '需量积算方式', states: ['sliding', 'interval'] },
  { bit: 2, en: 'clock battery', zh: '时钟电池', states: BATTERY },
  { bit: 3, en: 'reading battery', zh: '停电抄表电池', states: BATTERY },
  { bit: 4, en: 'active power direction', zh: '有功功率方向', states: DIRECTION },
  { bit: 5, en: 'reactive power direction', zh: '无功功率方向', states: DIRECTION },
] as const satisfies readonly Bits[];

const WORD_2 = [
  { bit: 0, en: 'active power direction L1', zh: 'A相有功功率方向', states: DIRECTION },
  { bit: 1, en: 'active power direction L2', zh: 'B相有功功率方向', states: DIRECTION },
  { bit: 2, en: 'active power direction L3', zh: 'C相有功功率方向', states: DIRECTION },
  { bit: 4, en: 'reactive power direction L1', zh: 'A相无功功率方向', states: DIRECTION },
  { bit: 5, en: 'reactive power direction L2', zh: 'B相无功功率方向', states: DIRECTION },
  { bit: 6, en: 'reactive power direction L3', zh: 'C相无功功率方向', states: DIRECTION },
] as const satisfies readonly Bits[];

const WORD_3 = [
  { bit: 0, en: 'day-period table', zh: '当前运行时段', states: ['first', 'second'] },
  { bit: 1, width: 2, en: 'supply', zh: '供电方式', states: ['main', 'auxiliary', 'battery'] },
  { bit: 3, en: 'programming', zh: '编程允许', states: ['forbidden', 'allowed'] },
  { bit: 4, en: 'relay', zh: '继电器状态', states: ['closed', 'open'] },
  { bit: 5, en: 'year-zone table', zh: '当前运行时区', states: ['first', 'second'] },
  { bit: 6, en: 'relay command', zh: '继电器命令状态', states: ['closed', 'open'] },
  { bit: 7, en: 'pre-trip alarm', zh: '预跳闸报警状态', states: ['no', 'yes'] },
  { bit: 8, width: 2, en: 'meter type', zh: '电能表类型', states: ['normal', 'energy prepaid', 'money prepaid'] },
] as const satisfies readonly Bits[];

/** Words 4, 5 and 6: one phase each. */
const PHASE_WORD = [
  { bit: 0, en: 'voltage loss', zh: '失压' },
  { bit: 1, en: 'undervoltage', zh: '欠压' },
  { bit: 2, en: 'overvoltage', zh: '过压' },
  { bit: 3, en: 'current loss', zh: '失流' },
  { bit: 4, en: 'overcurrent', zh: '过流' },
  { bit: 5, en: 'overload', zh: '过载' },
  { bit: 6, en: 'reverse flow', zh: '潮流反向' },
  { bit: 7, en: 'phase break', zh: '断相' },
  { bit: 8, en: 'current break', zh: '断流' },
] as const satisfies readonly Bits[];

const WORD_7 = [
  { bit: 0, en: 'voltage phase sequence wrong', zh: '电压逆相序' },
  { bit: 1, en: 'current phase sequence wrong', zh: '电流逆相序' },
  { bit: 2, en: 'voltage imbalance', zh: '电压不平衡' },
  { bit: 3, en: 'current imbalance', zh: '电流不平衡' },
  { bit: 4, en: 'auxiliary supply lost', zh: '辅助电源失电' },
  { bit: 5, en: 'power off', zh: '掉电' },
  { bit: 6, en: 'demand over limit', zh: '需量超限' },
  { bit: 7, en: 'power factor too low', zh: '总功率因数超下限' },
  { bit: 8, en: 'severe current imbalance', zh: '电流严重不平衡' },
] as const satisfies readonly Bits[];

const WORD = { unit: '', format: 'BITS16' } as const;

export const STATUS_WORDS = [
  { di: '04000501', en: 'status word 1', zh: '电表运行状态字1', ...WORD, bits: WORD_1 },
  { di: '04000502', en: 'status word 2', zh: '电表运行状态字2', ...WORD, bits: WORD_2 },
  { di: '04000503', en: 'status word 3', zh: '电表运行状态字3', ...WORD, bits: WORD_3 },
  { di: '04000504', en: 'status word 4 (L1)', zh: '电表运行状态字4(A相故障状态)', ...WORD, bits: PHASE_WORD },
  { di: '04000505', en: 'status word 5 (L2)', zh: '电表运行状态字5(B相故障状态)', ...WORD, bits: PHASE_WORD },
  { di: '04000506', en: 'status word 6 (L3)', zh: '电表运行状态字6(C相故障状态)', ...WORD, bits: PHASE_WORD },
  { di: '04000507', en: 'status word 7', zh: '电表运行状态字7(合相故障状态)', ...WORD, bits: WORD_7 },
  {
    di: '040005FF',
    en: 'status words',
    zh: '电表运行状态字数据块',
    parts: ['04000501', '04000502', '04000503', '04000504', '04000505', '04000506', '04000507'],
  },
] as const satisfies readonly Row[];
