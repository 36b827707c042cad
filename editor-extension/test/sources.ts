/** The names of all methods and subscriptions in the generated declarations. */
export function methodsOf(declarations: string): string[] {
  return [...declarations.matchAll(/^ {2}"([a-z]+\/\w+)": \{ params/gm)].map((match) => match[1] ?? "");
}
