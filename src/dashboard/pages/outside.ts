import { html } from "../../base/markup.ts";
import { bareLayout, type Frame, layout } from "../layout.ts";

/** Pages for those who are not signed in, and for what went wrong. */

/** `wrong` says why the last try did not do. */
export function loginPage(agent: string, wrong: string | undefined): string {
  return bareLayout(`${agent}: sign in`, [
    wrong !== undefined && html`<p class="bad" role="alert">${wrong}</p>`,
    html`<p>On your own machine, <code>npx olympus open ${agent} --person YOU</code> prints a link that signs you in. It can be used once.</p>
<form method="post" action="/login">
<p><label for="code">Code of such a link</label><br><input id="code" name="code" type="password" autocomplete="one-time-code" maxlength="200"></p>
<p><button>Sign in</button></p></form>
<h2>With the dashboard's token</h2>
<form method="post" action="/login">
<p><label for="token">Token</label><br><input id="token" name="token" type="password" autocomplete="off" maxlength="200" required></p>
<p><label for="person">Your name in the team file; without one you can only read</label><br><input id="person" name="person" autocomplete="username" maxlength="60"></p>
<p><button>Sign in with the token</button></p></form>`,
  ]);
}

/** A page that is not there, or that could not be made: `words` for people, `next` what to do; left out where no page of ours would do. */
export function problemPage(frame: Frame | undefined, title: string, words: string, next?: string): string {
  const body = html`<p role="alert">${words}</p>${next !== undefined && html`<p>${next} <a href="/">Now</a></p>`}`;
  return frame === undefined ? bareLayout(title, body) : layout(frame, "", title, body, false);
}
