/** The address of a system as people may see it: without what may be a password, a token or a key in it. */

/** Of files and folders, Windows' drives among them; all else is asked for over a network. */
const ofFiles = /^([a-z]:|file:|sqlite:)/i;

export function shownAddress(connection: string): string {
  const scheme = /^[a-z][a-z\d+.-]*:/i.exec(connection)?.[0];
  if (ofFiles.test(connection)) return connection;
  // A path. What only looks like one may be the parameters of a driver.
  if (scheme === undefined) return /[@;=]/.test(connection) ? "" : connection;
  const url = URL.parse(connection);
  // In what can't be read as an address, a password may stand anywhere: `postgres://app:pa/ss@db/shop`.
  return url === null || url.host === "" ? scheme : `${url.protocol}//${url.host}${url.pathname}`;
}
