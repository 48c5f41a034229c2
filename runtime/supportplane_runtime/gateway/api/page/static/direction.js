/**
 * Which way a text runs, by its first letter that has a direction, as `dir="auto"` does.
 *
 * Told here and not by the browser, because `dir="auto"` on a list or a table does not look into parts that have a
 * direction of their own: an Arabic list would then stand on the left.
 */

const RTL =
  /\p{Script=Arabic}|\p{Script=Hebrew}|\p{Script=Syriac}|\p{Script=Thaana}|\p{Script=Nko}|\p{Script=Adlam}|\p{Script=Mandaic}|\p{Script=Samaritan}|\p{Script=Hanifi_Rohingya}/u;
// Code, addresses and the names of admonitions are Latin in every language and say nothing about the text around them.
const SAYS_NOTHING = /`[^`]*`|https?:\/\/\S+|\]\([^)]*\)|^\s*(?:>\s*)*(?::::+\s*\w+|!!!\s*\w+|\[!\w+\])/gm;
const LETTER = /\p{L}/u;

/** "rtl" or "ltr"; null for a text without letters, which runs as the text around it. */
export function direction(text) {
  const [letter] = text.replace(SAYS_NOTHING, " ").match(LETTER) ?? [];
  return letter ? (RTL.test(letter) ? "rtl" : "ltr") : null;
}
