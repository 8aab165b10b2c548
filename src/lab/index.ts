export { type Beforehand, labBeforehand } from "./beforehand.ts";
export { commandsAtWork, type LabDownOptions, type LabDownResult, labDown } from "./down.ts";
export { answersSsh, type LabMachine } from "./machine.ts";
export { type LabMachineOptions, labExec, labRestart, labStop } from "./restart.ts";
export { type LabMachineStatus, type LabStatus, labStatus } from "./status.ts";
export { openThrowaway, type Throwaway, type ThrowawayOptions, withLabMachines } from "./throwaway.ts";
export { type LabUpOptions, type LabUpResult, labUp } from "./up.ts";
