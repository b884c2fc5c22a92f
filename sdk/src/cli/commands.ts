/** The commands of `mooring`, in the order in which help lists them. */
import type { CliCommand } from "./command.ts";
import { decoderActivateCommand, decoderRollbackCommand } from "./decoder/activate.ts";
import { decoderCreateCommand } from "./decoder/create.ts";
import { decoderDeployCommand } from "./decoder/deploy.ts";
import { decoderKeygenCommand } from "./decoder/keygen.ts";
import { decoderListCommand } from "./decoder/list.ts";
import { decoderLogsCommand } from "./decoder/logs.ts";
import { decoderPackCommand } from "./decoder/pack.ts";
import { decoderRedecodeCommand } from "./decoder/redecode.ts";
import { decoderStageCommand } from "./decoder/stage.ts";
import { decoderTestCommand } from "./decoder/test.ts";
import { deviceAddCommand } from "./device/add.ts";
import { deviceDataCommand } from "./device/data.ts";
import { deviceSendCommand } from "./device/send.ts";
import { explainCommand } from "./explain.ts";
import { firmwareCommand } from "./firmware.ts";
import { mappingApplyCommand, mappingPlanCommand, mappingShowCommand } from "./mapping.ts";
import { pluginCommand } from "./plugin.ts";
import { protocolMapCommand } from "./protocol/map.ts";
import { protocolUploadCommand } from "./protocol/upload.ts";
import { recordCommand } from "./record.ts";
import { replayCommand } from "./replay.ts";
import { shellCommand } from "./shell.ts";

export const COMMANDS: readonly CliCommand[] = [
  shellCommand,
  explainCommand,
  firmwareCommand,
  pluginCommand,
  recordCommand,
  replayCommand,
  decoderCreateCommand,
  decoderTestCommand,
  decoderPackCommand,
  decoderKeygenCommand,
  decoderDeployCommand,
  decoderStageCommand,
  decoderActivateCommand,
  decoderRollbackCommand,
  decoderRedecodeCommand,
  decoderLogsCommand,
  decoderListCommand,
  protocolUploadCommand,
  protocolMapCommand,
  mappingShowCommand,
  mappingPlanCommand,
  mappingApplyCommand,
  deviceAddCommand,
  deviceSendCommand,
  deviceDataCommand,
];
