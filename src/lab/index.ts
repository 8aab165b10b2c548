export { answersSsh, type LabMachine } from "./machine.ts";
export { openThrowaway, type Throwaway, type ThrowawayOptions, withLabMachines } from "./throwaway.ts";
export { type LabUpOptions, type LabUpResult, labUp } from "./up.ts";
