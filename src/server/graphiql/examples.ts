/** Stands in a variable for the moment one day before the page is opened; the page puts the time in its place. */
export const DAY_AGO = '{one day ago}';

/** A tab that GraphiQL opens with. Its operation's name is the tab's name. */
export interface Example {
  query: string;
  variables: Record<string, unknown>;
}

/** A failed login, so that the event shows up in each of the other tabs. */
const logEvent: Example = {
  query: `# Records one event. Press the play button,
# then look for it in the other tabs.
mutation LogEvent($input: LogEventInput!) {
  logEvent(input: $input) {
    status
    event {
      id
      position
      timestamp
      leafHash
    }
  }
}
`,
  variables: {
    input: {
      eventType: 'AUTH_LOGIN_FAILED',
      outcome: 'FAILURE',
      severity: 'WARNING',
      userId: 'alice',
      ipAddress: '203.0.113.7',
      action: 'auth.login_failed',
      description: 'Wrong password',
      details: { method: 'password', attempt: 3 },
    },
  },
};

const failedLogins: Example = {
  query: `# The failed logins of the last day, newest first.
# The next page: "after" with the endCursor.
query FailedLogins($since: DateTime!, $after: String) {
  auditEvents(
    filter: {
      eventTypes: [AUTH_LOGIN_FAILED]
      startTime: $since
    }
    first: 20
    after: $after
  ) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        timestamp
        userId
        ipAddress
        outcome
        description
        details
      }
    }
  }
}
`,
  variables: { since: DAY_AGO },
};

const summary: Example = {
  query: `# What happened in the last day, in figures.
query Summary(
  $since: DateTime!
  $bucket: TimeBucket!
) {
  auditSummary(startTime: $since) {
    totalEvents
    byType {
      eventType
      count
    }
    bySeverity {
      severity
      count
    }
    topUsers(first: 5) {
      value
      count
    }
    timeline(bucket: $bucket) {
      start
      count
    }
  }
}
`,
  variables: { since: DAY_AGO, bucket: 'HOUR' },
};

const liveAlerts: Example = {
  query: `# Each event of at least this severity, live.
# Press the play button, then log an event in
# another window or from an application.
# "after": "beginning" starts with the oldest.
subscription LiveAlerts(
  $minSeverity: AuditSeverity!
  $after: String
) {
  securityAlerts(
    minSeverity: $minSeverity
    after: $after
  ) {
    cursor
    node {
      timestamp
      severity
      eventType
      userId
      ipAddress
      description
    }
  }
}
`,
  variables: { minSeverity: 'WARNING' },
};

/** The tabs in their order, written for the schema of this service. */
export const EXAMPLES: readonly Example[] = [logEvent, failedLogins, summary, liveAlerts];
