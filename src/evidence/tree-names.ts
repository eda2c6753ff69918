/** The name of a tree: the log's own, or the tree of one customer's events, in log order. */
export type TreeName = 'log' | `customer/${string}`;

/** The name of the tree of a customer; that of the log for undefined. */
export function treeOf(customerId: string | undefined): TreeName {
  return customerId === undefined ? 'log' : `customer/${customerId}`;
}

/** The first line of a tree's checkpoints: the log's origin; for a customer followed by `/customer/` and the encoded id. */
export function originOf(tree: TreeName, origin: string): string {
  if (tree === 'log') return origin;
  return `${origin}/customer/${encodeURIComponent(tree.slice('customer/'.length))}`;
}

/** The tree that a checkpoint's first line names; undefined when it is that of another log. */
export function treeOfOrigin(origin: string, logOrigin: string): TreeName | undefined {
  if (origin === logOrigin) return 'log';
  const prefix = `${logOrigin}/customer/`;
  if (!origin.startsWith(prefix)) return undefined;
  try {
    return treeOf(decodeURIComponent(origin.slice(prefix.length)));
  } catch {
    return undefined;
  }
}
