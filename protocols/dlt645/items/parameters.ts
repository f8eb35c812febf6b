/** Parameters: 2007 table A.5. */
import type { Bits, Row } from './row.ts';

const COUNT = { unit: '', format: 'NN' } as const;
const MINUTES = { unit: 'min', format: 'NN' } as const;
const SECONDS = { unit: 's', format: 'NN' } as const;
const YUAN = { unit: 'yuan', format: 'NNNNNN.NN' } as const;
const KWH = { unit: 'kWh', format: 'NNNNNN.NN' } as const;
const PRICE = { unit: 'yuan/kWh', format: 'NNNN.NNNN' } as const;
const VOLTS = { unit: 'V', format: 'NNN.N' } as const;
const AMPS = { unit: 'A', format: 'NNN.N' } as const;
const FINE_AMPS = { unit: 'A', format: 'NN.NNNN' } as const;
const KILOWATTS = { unit: 'kW', format: 'NN.NNNN' } as const;
const PERCENT = { unit: '%', format: 'NN.NN' } as const;
const PER_UNIT = { unit: '', format: 'N.NNN' } as const;
const FLAGS = { unit: '', format: 'BITS8' } as const;

/** One bit set says which speed holds. */
const BAUD = [
  { bit: 1, en: '600 Bd', zh: '600bps' },
  { bit: 2, en: '1200 Bd', zh: '1200bps' },
  { bit: 3, en: '2400 Bd', zh: '2400bps' },
  { bit: 4, en: '4800 Bd', zh: '4800bps' },
  { bit: 5, en: '9600 Bd', zh: '9600bps' },
  { bit: 6, en: '19200 Bd', zh: '19200bps' },
] as const satisfies readonly Bits[];

const PROFILE_CLASSES = [
  { bit: 0, en: 'voltage, current, frequency', zh: '电压、电流、频率' },
  { bit: 1, en: 'active and reactive power', zh: '有、无功功率' },
  { bit: 2, en: 'power factor', zh: '功率因数' },
  { bit: 3, en: 'active and reactive total energy', zh: '有、无功总电能' },
  { bit: 4, en: 'quadrant reactive energy', zh: '四象限无功总电能' },
  { bit: 5, en: 'demand now', zh: '当前需量' },
] as const satisfies readonly Bits[];

const CLOCK = [
  {
    di: '04000101',
    en: 'date and weekday',
    zh: '日期及星期',
    lastFirst: true,
    fields: [
      { en: 'date', zh: '日期', unit: '', format: 'YYMMDD' },
      { en: 'weekday (0 Sunday)', zh: '星期', unit: '', format: 'NN' },
    ],
  },
  { di: '04000102', en: 'time', zh: '时间', unit: '', format: 'hhmmss' },
  { di: '04000103', en: 'demand period', zh: '最大需量周期', ...MINUTES },
  { di: '04000104', en: 'demand slide', zh: '滑差时间', ...MINUTES },
  { di: '04000105', en: 'pulse width', zh: '校表脉冲宽度', unit: 'ms', format: 'NNNN' },
  { di: '04000106', en: 'year-zone tables switch at', zh: '两套时区表切换时间', unit: '', format: 'YYMMDDhhmm' },
  { di: '04000107', en: 'day-period tables switch at', zh: '两套日时段表切换时间', unit: '', format: 'YYMMDDhhmm' },
  { di: '04000108', en: 'tariff prices switch at', zh: '两套费率电价切换时间', unit: '', format: 'YYMMDDhhmm' },
  { di: '04000109', en: 'ladders switch at', zh: '两套梯度切换时间', unit: '', format: 'YYMMDDhhmm' },
  {
    di: '0400010C',
    en: 'date, weekday and time',
    zh: '日期时间',
    lastFirst: true,
    fields: [
      { en: 'date', zh: '日期', unit: '', format: 'YYMMDD' },
      { en: 'weekday (0 Sunday)', zh: '星期', unit: '', format: 'NN' },
      { en: 'time', zh: '时间', unit: '', format: 'hhmmss' },
    ],
  },
] as const satisfies readonly Row[];

const COUNTS = [
  { di: '04000201', en: 'year zones', zh: '年时区数', ...COUNT },
  { di: '04000202', en: 'day-period tables', zh: '日时段表数', ...COUNT },
  { di: '04000203', en: 'periods of a day', zh: '日时段数', ...COUNT },
  { di: '04000204', en: 'tariffs', zh: '费率数', ...COUNT },
  { di: '04000205', en: 'public holidays', zh: '公共假日数', unit: '', format: 'NNNN' },
  { di: '04000206', en: 'harmonics analysed', zh: '谐波分析次数', ...COUNT },
  { di: '04000207', en: 'ladder steps', zh: '阶梯数', ...COUNT },
  { di: '04000301', en: 'screens scrolled by themselves', zh: '自动循环显示屏数', ...COUNT },
  { di: '04000302', en: 'time of a screen', zh: '每屏显示时间', ...SECONDS },
  { di: '04000303', en: 'decimals of energy shown', zh: '显示电能小数位数', ...COUNT },
  { di: '04000304', en: 'decimals of power shown', zh: '显示功率(最大需量)小数位数', ...COUNT },
  { di: '04000305', en: 'screens scrolled by key', zh: '按键循环显示屏数', ...COUNT },
  { di: '04000306', en: 'current transformer ratio', zh: '电流互感器变比', unit: '', format: 'NNNNNN' },
  { di: '04000307', en: 'voltage transformer ratio', zh: '电压互感器变比', unit: '', format: 'NNNNNN' },
] as const satisfies readonly Row[];

const NAMEPLATE = [
  { di: '04000401', en: 'address', zh: '通信地址', unit: '', format: 'HEX6' },
  { di: '04000402', en: 'meter number', zh: '表号', unit: '', format: 'HEX6' },
  { di: '04000403', en: 'asset code', zh: '资产管理编码', unit: '', format: 'ASCII32' },
  { di: '04000404', en: 'rated voltage', zh: '额定电压', unit: '', format: 'ASCII6' },
  { di: '04000405', en: 'rated current', zh: '额定电流/基本电流', unit: '', format: 'ASCII6' },
  { di: '04000406', en: 'maximum current', zh: '最大电流', unit: '', format: 'ASCII6' },
  { di: '04000407', en: 'active accuracy class', zh: '有功准确度等级', unit: '', format: 'ASCII4' },
  { di: '04000408', en: 'reactive accuracy class', zh: '无功准确度等级', unit: '', format: 'ASCII4' },
  { di: '04000409', en: 'active constant', zh: '电表有功常数', unit: 'imp/kWh', format: 'NNNNNN' },
  { di: '0400040A', en: 'reactive constant', zh: '电表无功常数', unit: 'imp/kvarh', format: 'NNNNNN' },
  { di: '0400040B', en: 'meter model', zh: '电表型号', unit: '', format: 'ASCII10' },
  { di: '0400040C', en: 'production date', zh: '生产日期', unit: '', format: 'ASCII10' },
  { di: '0400040D', en: 'protocol version', zh: '协议版本号', unit: '', format: 'ASCII16' },
  { di: '0400040E', en: 'customer number', zh: '客户编号', unit: '', format: 'HEX6' },
  { di: '04800001', en: 'software version', zh: '厂家软件版本号', unit: '', format: 'ASCII32' },
  { di: '04800002', en: 'hardware version', zh: '厂家硬件版本号', unit: '', format: 'ASCII32' },
  { di: '04800003', en: 'factory number', zh: '厂家编号', unit: '', format: 'ASCII32' },
] as const satisfies readonly Row[];

const MODES = [
  { di: '04000601', en: 'combined active mode', zh: '有功组合方式特征字', ...FLAGS },
  { di: '04000602', en: 'combined reactive 1 mode', zh: '无功组合方式1特征字', ...FLAGS },
  { di: '04000603', en: 'combined reactive 2 mode', zh: '无功组合方式2特征字', ...FLAGS },
  { di: '04000701', en: 'baud of the modulated infrared port', zh: '调制型红外光口通信速率', ...FLAGS, bits: BAUD },
  { di: '04000702', en: 'baud of the contact infrared port', zh: '接触式红外光口通信速率', ...FLAGS, bits: BAUD },
  { di: '04000703', en: 'baud of port 1', zh: '通信口1通信速率', ...FLAGS, bits: BAUD },
  { di: '04000704', en: 'baud of port 2', zh: '通信口2通信速率', ...FLAGS, bits: BAUD },
  { di: '04000705', en: 'baud of port 3', zh: '通信口3通信速率', ...FLAGS, bits: BAUD },
  { di: '04000801', en: 'weekly rest days', zh: '周休日特征字', ...FLAGS },
  { di: '04000802', en: 'day-period table of rest days', zh: '周休日采用的日时段表号', ...COUNT },
  { di: '04000901', en: 'load profile mode', zh: '负荷记录模式字', ...FLAGS, bits: PROFILE_CLASSES },
  { di: '04000902', en: 'timed freeze mode', zh: '定时冻结数据模式字', ...FLAGS },
  { di: '04000903', en: 'instant freeze mode', zh: '瞬时冻结数据模式字', ...FLAGS },
  { di: '04000904', en: 'agreed freeze mode', zh: '约定冻结数据模式字', ...FLAGS },
  { di: '04000905', en: 'hourly freeze mode', zh: '整点冻结数据模式字', ...FLAGS },
  { di: '04000906', en: 'daily freeze mode', zh: '日冻结数据模式字', ...FLAGS },
  { di: '04000A01', en: 'load profile starts at', zh: '负荷记录起始时间', unit: '', format: 'MMDDhhmm' },
  { di: '04000A02', en: 'load profile interval of class 1', zh: '第1类负荷记录间隔时间', unit: 'min', format: 'NNNN' },
  { di: '04000A03', en: 'load profile interval of class 2', zh: '第2类负荷记录间隔时间', unit: 'min', format: 'NNNN' },
  { di: '04000A04', en: 'load profile interval of class 3', zh: '第3类负荷记录间隔时间', unit: 'min', format: 'NNNN' },
  { di: '04000A05', en: 'load profile interval of class 4', zh: '第4类负荷记录间隔时间', unit: 'min', format: 'NNNN' },
  { di: '04000A06', en: 'load profile interval of class 5', zh: '第5类负荷记录间隔时间', unit: 'min', format: 'NNNN' },
  { di: '04000A07', en: 'load profile interval of class 6', zh: '第6类负荷记录间隔时间', unit: 'min', format: 'NNNN' },
  { di: '04000BYY', en: 'settlement day {YY}', zh: '每月第{YY}结算日', unit: '', format: 'DDhh' },
  { di: '04000CZZ', en: 'password of level {ZZ}', zh: '{ZZ}级密码', unit: '', format: 'HEX4' },
] as const satisfies readonly Row[];

const LIMITS = [
  { di: '04000D01', en: 'conductance L1', zh: 'A相电导系数', ...PER_UNIT },
  { di: '04000D02', en: 'susceptance L1', zh: 'A相电纳系数', ...PER_UNIT },
  { di: '04000D03', en: 'resistance L1', zh: 'A相电阻系数', ...PER_UNIT },
  { di: '04000D04', en: 'reactance L1', zh: 'A相电抗系数', ...PER_UNIT },
  { di: '04000D05', en: 'conductance L2', zh: 'B相电导系数', ...PER_UNIT },
  { di: '04000D06', en: 'susceptance L2', zh: 'B相电纳系数', ...PER_UNIT },
  { di: '04000D07', en: 'resistance L2', zh: 'B相电阻系数', ...PER_UNIT },
  { di: '04000D08', en: 'reactance L2', zh: 'B相电抗系数', ...PER_UNIT },
  { di: '04000D09', en: 'conductance L3', zh: 'C相电导系数', ...PER_UNIT },
  { di: '04000D0A', en: 'susceptance L3', zh: 'C相电纳系数', ...PER_UNIT },
  { di: '04000D0B', en: 'resistance L3', zh: 'C相电阻系数', ...PER_UNIT },
  { di: '04000D0C', en: 'reactance L3', zh: 'C相电抗系数', ...PER_UNIT },
  { di: '04000E01', en: 'forward active power limit', zh: '正向有功功率上限值', ...KILOWATTS },
  { di: '04000E02', en: 'reverse active power limit', zh: '反向有功功率上限值', ...KILOWATTS },
  { di: '04000E03', en: 'voltage upper limit', zh: '电压上限值', ...VOLTS },
  { di: '04000E04', en: 'voltage lower limit', zh: '电压下限值', ...VOLTS },
  { di: '04000F01', en: 'energy alarm 1', zh: '报警电量1限值', ...KWH },
  { di: '04000F02', en: 'energy alarm 2', zh: '报警电量2限值', ...KWH },
  { di: '04000F03', en: 'hoarded energy limit', zh: '囤积电量限值', ...KWH },
  { di: '04000F04', en: 'overdraft energy limit', zh: '透支电量限值', ...KWH },
  { di: '04001001', en: 'amount alarm 1', zh: '报警金额1限值', ...YUAN },
  { di: '04001002', en: 'amount alarm 2', zh: '报警金额2限值', ...YUAN },
  { di: '04001003', en: 'overdraft amount limit', zh: '透支金额限值', ...YUAN },
  { di: '04001004', en: 'hoarded amount limit', zh: '囤积金额限值', ...YUAN },
  { di: '04001005', en: 'amount that allows closing', zh: '合闸允许金额限值', ...YUAN },
  { di: '04001101', en: 'operating mode 1', zh: '电表运行特征字1', ...FLAGS },
  { di: '04001201', en: 'hourly freeze starts at', zh: '整点冻结起始时间', unit: '', format: 'YYMMDDhhmm' },
  { di: '04001202', en: 'hourly freeze interval', zh: '整点冻结时间间隔', ...MINUTES },
  { di: '04001203', en: 'daily freeze at', zh: '日冻结时间', unit: '', format: 'hhmm' },
  { di: '04001301', en: 'wireless online and signal strength', zh: '无线通信在线及信号强弱指示', ...FLAGS },
  { di: '04001401', en: 'trip delay', zh: '跳闸延时时间', unit: 'min', format: 'NNNN' },
] as const satisfies readonly Row[];

const TABLES = [
  { di: '04010000', en: 'first year-zone table', zh: '第一套时区表数据', unit: '', format: 'MMDDNN', repeat: 'WW' },
  {
    di: '040100UU',
    en: 'first set, day-period table {UU}',
    zh: '第一套第{UU}日时段表数据',
    unit: '',
    format: 'hhmmNN',
    repeat: 'WW',
  },
  { di: '04020000', en: 'second year-zone table', zh: '第二套时区表数据', unit: '', format: 'MMDDNN', repeat: 'WW' },
  {
    di: '040200UU',
    en: 'second set, day-period table {UU}',
    zh: '第二套第{UU}日时段表数据',
    unit: '',
    format: 'hhmmNN',
    repeat: 'WW',
  },
  { di: '040300SS', en: 'public holiday {SS}', zh: '第{SS}公共假日日期及日时段表号', unit: '', format: 'YYMMDDNN' },
  {
    di: '040401SS',
    en: 'screen {SS} scrolled by itself',
    zh: '自动循环显示第{SS}屏',
    fields: [
      { en: 'item', zh: '数据标识', unit: '', format: 'HEX4' },
      { en: 'part', zh: '序号', unit: '', format: 'NN' },
    ],
  },
  {
    di: '040402SS',
    en: 'screen {SS} scrolled by key',
    zh: '按键循环显示第{SS}屏',
    fields: [
      { en: 'item', zh: '数据标识', unit: '', format: 'HEX4' },
      { en: 'part', zh: '序号', unit: '', format: 'NN' },
    ],
  },
  { di: '040501VV', en: 'first set, price of tariff {VV}', zh: '第一套费率{VV}电价', ...PRICE },
  { di: '040502VV', en: 'second set, price of tariff {VV}', zh: '第二套费率{VV}电价', ...PRICE },
  { di: '040600WW', en: 'first set, ladder step {WW}', zh: '第一套第{WW}阶梯值', ...KWH },
  { di: '040601WW', en: 'first set, price of ladder step {WW}', zh: '第一套阶梯电价{WW}', ...PRICE },
  { di: '040602WW', en: 'second set, ladder step {WW}', zh: '第二套第{WW}阶梯值', ...KWH },
  { di: '040603WW', en: 'second set, price of ladder step {WW}', zh: '第二套阶梯电价{WW}', ...PRICE },
] as const satisfies readonly Row[];

/** When an event begins and ends. */
const THRESHOLDS = [
  { di: '04090101', en: 'voltage loss begins below', zh: '失压事件电压触发上限', ...VOLTS },
  { di: '04090102', en: 'voltage loss ends above', zh: '失压事件电压恢复下限', ...VOLTS },
  { di: '04090103', en: 'voltage loss needs a current above', zh: '失压事件电流触发下限', ...FINE_AMPS },
  { di: '04090104', en: 'voltage loss delay', zh: '失压事件判定延时时间', ...SECONDS },
  { di: '04090201', en: 'undervoltage below', zh: '欠压事件电压触发上限', ...VOLTS },
  { di: '04090202', en: 'undervoltage delay', zh: '欠压事件判定延时时间', ...SECONDS },
  { di: '04090301', en: 'overvoltage above', zh: '过压事件电压触发下限', ...VOLTS },
  { di: '04090302', en: 'overvoltage delay', zh: '过压事件判定延时时间', ...SECONDS },
  { di: '04090401', en: 'phase break voltage below', zh: '断相事件电压触发上限', ...VOLTS },
  { di: '04090402', en: 'phase break current below', zh: '断相事件电流触发上限', ...FINE_AMPS },
  { di: '04090403', en: 'phase break delay', zh: '断相事件判定延时时间', ...SECONDS },
  { di: '04090501', en: 'voltage imbalance above', zh: '电压不平衡率限值', ...PERCENT },
  { di: '04090502', en: 'voltage imbalance delay', zh: '电压不平衡率判定延时时间', ...SECONDS },
  { di: '04090601', en: 'current imbalance above', zh: '电流不平衡率限值', ...PERCENT },
  { di: '04090602', en: 'current imbalance delay', zh: '电流不平衡率判定延时时间', ...SECONDS },
  { di: '04090701', en: 'current loss needs a voltage above', zh: '失流事件电压触发下限', ...VOLTS },
  { di: '04090702', en: 'current loss begins below', zh: '失流事件电流触发上限', ...FINE_AMPS },
  { di: '04090703', en: 'current loss ends above', zh: '失流事件电流触发下限', ...FINE_AMPS },
  { di: '04090704', en: 'current loss delay', zh: '失流事件判定延时时间', ...SECONDS },
  { di: '04090801', en: 'overcurrent above', zh: '过流事件电流触发下限', ...AMPS },
  { di: '04090802', en: 'overcurrent delay', zh: '过流事件判定延时时间', ...SECONDS },
  { di: '04090901', en: 'current break needs a voltage above', zh: '断流事件电压触发下限', ...VOLTS },
  { di: '04090902', en: 'current break below', zh: '断流事件电流触发上限', ...FINE_AMPS },
  { di: '04090903', en: 'current break delay', zh: '断流事件判定延时时间', ...SECONDS },
  { di: '04090A01', en: 'reverse flow above', zh: '潮流反向事件有功功率触发下限', ...KILOWATTS },
  { di: '04090A02', en: 'reverse flow delay', zh: '潮流反向事件判定延时时间', ...SECONDS },
  { di: '04090B01', en: 'overload above', zh: '过载事件有功功率触发下限', ...KILOWATTS },
  { di: '04090B02', en: 'overload delay', zh: '过载事件判定延时时间', ...SECONDS },
  { di: '04090C01', en: 'voltage compliance upper limit', zh: '电压考核上限', ...VOLTS },
  { di: '04090C02', en: 'voltage compliance lower limit', zh: '电压考核下限', ...VOLTS },
  { di: '04090D01', en: 'active demand over limit above', zh: '有功需量超限事件需量触发下限', ...KILOWATTS },
  {
    di: '04090D02',
    en: 'reactive demand over limit above',
    zh: '无功需量超限事件需量触发下限',
    unit: 'kvar',
    format: 'NN.NNNN',
  },
  { di: '04090D03', en: 'demand over limit delay', zh: '需量超限事件判定延时时间', ...SECONDS },
  { di: '04090E01', en: 'power factor too low below', zh: '总功率因数超下限阀值', ...PER_UNIT },
  { di: '04090E02', en: 'power factor too low delay', zh: '总功率因数超下限判定延时时间', ...SECONDS },
  { di: '04090F01', en: 'severe current imbalance above', zh: '电流严重不平衡限值', ...PERCENT },
  { di: '04090F02', en: 'severe current imbalance delay', zh: '电流严重不平衡触发延时时间', ...SECONDS },
] as const satisfies readonly Row[];

export const PARAMETERS: readonly Row[] = [
  ...CLOCK,
  ...COUNTS,
  ...NAMEPLATE,
  ...MODES,
  ...LIMITS,
  ...TABLES,
  ...THRESHOLDS,
];
