import { graphql } from './generated/gql.ts';

// Operations that several test files send; what only one file sends stands there.

export const LOG_EVENT = graphql(`
  mutation LogEvent($input: LogEventInput!) {
    logEvent(input: $input) {
      status
      event { id position details }
    }
  }
`);

export const LOG_EVENTS = graphql(`
  mutation LogEvents($input: [LogEventInput!]!) {
    logEvents(input: $input) {
      recorded
      duplicates
      results { status event { position } }
    }
  }
`);

export const COUNT_EVENTS = graphql(`
  query CountEvents($filter: AuditEventFilter) {
    auditEvents(filter: $filter, first: 0) { totalCount }
  }
`);
