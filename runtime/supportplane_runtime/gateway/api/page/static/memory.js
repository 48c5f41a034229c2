/**
 * What this browser remembers: small JSON values under one prefix. A browser that forbids storage remembers nothing, and
 * everything still works for as long as the page is open.
 */

export function browserMemory(prefix, storage = () => window.localStorage) {
  const fallback = new Map();
  const name = (key) => `${prefix}.${key}`;

  function attempt(action) {
    try {
      return action(storage());
    } catch {
      return undefined; // storage is blocked or full: `fallback` serves this page
    }
  }

  return {
    read(key) {
      const text = attempt((store) => store.getItem(name(key))) ?? fallback.get(key);
      try {
        return text === undefined || text === null ? null : JSON.parse(text);
      } catch {
        return null;
      }
    },
    write(key, value) {
      const text = JSON.stringify(value);
      fallback.set(key, text);
      attempt((store) => store.setItem(name(key), text));
    },
    remove(key) {
      fallback.delete(key);
      attempt((store) => store.removeItem(name(key)));
    },
  };
}
