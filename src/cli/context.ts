import type { Reporter } from "../base/report.ts";
import type { LoadedTeam } from "../team/model.ts";

/** What every command gets. */
export interface CommandContext {
  readonly reporter: Reporter;
  readonly options: GlobalOptions;
  /** Loads the team file of `--team`, OLYMPUS_TEAM, the lab that is up, or ./team.yaml; throws OlympusErrors with every problem found. */
  loadTeam(): Promise<LoadedTeam>;
  /** Asks y/N on a terminal; `--yes` answers yes; without a terminal throws E-CONFIRM (exit 6). */
  confirm(question: string): Promise<boolean>;
  /** Aborted on the first Ctrl-C or SIGTERM; a second one ends the process. */
  readonly signal: AbortSignal;
  /** Of a command that shows what goes on until Ctrl-C: that is its end, without a word. */
  endsByInterruption(): void;
}

export interface GlobalOptions {
  readonly team?: string;
  readonly json: boolean;
  readonly yes: boolean;
  readonly debug: boolean;
  readonly input: boolean;
}
