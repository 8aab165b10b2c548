export { quote, quoteAll } from "../base/quote.ts";
