import ts from "typescript";

/** A place where a secret's plain value would get into a command, its arguments or its environment. */
export interface Leak {
  /** `file:line`. */
  readonly where: string;
  readonly text: string;
}

/** Functions that start programs or run shell lines, here or on a host. */
const runners =
  /^(exec|execa|execaSync|execaNode|execFile|execFileSync|execSync|spawn|spawnSync|spawnOwned|fork|run|sh|startService|onHost|onTarget)$/;

/** What such a call may be given a secret as: it goes to the program's stdin. */
const stdin = new Set(["stdin", "input"]);

/** Parts of an operation, a unit or a job that are seen by everybody on the host. */
const shown = new Set(["check", "apply", "undo", "summary", "command", "argv", "args", "env", "guard", "script"]);

/**
 * Finds plain values of secrets, `x.reveal()` or a constant made from one in the same file, in the arguments of whatever runs commands and
 * in properties that hold shell text. What is wrapped in a `Secret` again, or given as stdin, is as it should be.
 */
export function findLeaks(file: string, text: string): Leak[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const plain = plainNames(source);
  const leaks: Leak[] = [];

  const visit = (node: ts.Node, exposed: boolean): void => {
    if (exposed && isPlain(node, plain)) {
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line;
      leaks.push({ where: `${file}:${line + 1}`, text: text.split("\n")[line]!.trim() });
      return;
    }
    if (isWrapped(node)) return;
    if (ts.isPropertyAssignment(node)) {
      const name = node.name.getText();
      visit(node.initializer, !stdin.has(name) && (exposed || shown.has(name)));
      return;
    }
    if (ts.isShorthandPropertyAssignment(node)) {
      visit(node.name, !stdin.has(node.name.text) && (exposed || shown.has(node.name.text)));
      return;
    }
    if (ts.isCallExpression(node)) {
      const running = runners.test(calledName(node));
      visit(node.expression, exposed && !running);
      for (const [at, argument] of node.arguments.entries()) {
        // onHost and onTarget have their stdin by place.
        const given = /^on(Host|Target)$/.test(calledName(node)) && at >= 3;
        visit(argument, !given && (exposed || running) && !ts.isArrowFunction(argument));
      }
      return;
    }
    ts.forEachChild(node, (child) => visit(child, exposed && !ts.isArrowFunction(child)));
  };
  visit(source, false);
  return leaks;
}

/** Constants of the file that hold a plain value, or text with one in it. */
function plainNames(source: ts.SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined) {
      if (holdsPlain(node.initializer, names)) names.add(node.name.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

/** Whether an expression is a plain value or text made from one; what a function makes of it is its own affair. */
function holdsPlain(node: ts.Node, names: ReadonlySet<string>): boolean {
  if (isPlain(node, names)) return true;
  if (isWrapped(node) || ts.isArrowFunction(node) || ts.isFunctionExpression(node)) return false;
  if (ts.isCallExpression(node)) {
    // Encodings of a value are the value: encodeURIComponent(x.reveal()), x.reveal().trim(), Buffer.from(x.reveal()).toString().
    const encodes = /^(encodeURIComponent|from|toString|trim|trimEnd|stringify|quote|join|replaceAll|concat)$/;
    return encodes.test(calledName(node)) && node.getChildren().some((child) => contains(child, names));
  }
  if (ts.isObjectLiteralExpression(node)) return false;
  return node.getChildren().some((child) => holdsPlain(child, names));
}

function contains(node: ts.Node, names: ReadonlySet<string>): boolean {
  return isPlain(node, names) || (!isWrapped(node) && node.getChildren().some((child) => contains(child, names)));
}

function isPlain(node: ts.Node, names: ReadonlySet<string>): boolean {
  if (ts.isIdentifier(node)) {
    const property = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
    return names.has(node.text) && !property;
  }
  return ts.isCallExpression(node) && calledName(node) === "reveal";
}

function isWrapped(node: ts.Node): boolean {
  return ts.isNewExpression(node) && node.expression.getText() === "Secret";
}

function calledName({ expression }: ts.CallExpression): string {
  if (ts.isPropertyAccessExpression(expression)) return expression.name.text;
  return ts.isIdentifier(expression) ? expression.text : "";
}
