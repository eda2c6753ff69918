/** The log stays what it is on disk: it loads files beside its own, and is not to be bundled. */
export default { serverExternalPackages: ['graphql-audit-log'] };
