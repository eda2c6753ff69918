import { createCatalogue } from './meanings.ts';

/**
 * The meanings of Okta's event types, by their published descriptions: the catalogue of event types in okta-developer-docs,
 * release 2026.08.1 (1,274 types; packages/@okta/vuepress-site/data/event-types.json, commit 468de9c5). Only the names
 * are Okta's. test/import/catalogues/okta.tsv lists the meaning of each type, read from the descriptions independently of
 * these rules; a test compares this table with it.
 */
export const OKTA_TYPES = createCatalogue({
  login: {
    rules: `
      user.authentication.auth* *user_authentication_successful *login_success *.ssh_login
      *.platform_sso.authentication *.password_sync.authentication`,
    names: `
      system.iwa_agentless.auth system.ldapi.bind user.authentication.dsso_via_non_priority_source
      user.session.start`,
  },
  'login-failed': {
    rules: `
      app.kerberos_rich_client.*_not_found *invalid_client_credentials`,
    names: `
      app.kerberos_rich_client.multiple_accounts_found system.iwa_agentless.user.not_found
      user.account.use_token`,
  },
  'login-refused': {
    rules: `
      *deny_push*`,
    names: `
      user.mfa.attempt_bypass`,
  },
  logout: {
    rules: `
      *.device_session.end *.device_logout.*`,
    names: `
      system.ldapi.unbind user.authentication.slo user.session.end user.session.impersonation.end`,
  },
  'session-requested': {
    rules: `
      app.oauth2*.authorize app.oauth2*.authorize.* app.oauth2*.interact.*`,
    names: `
      system.iwa_agentless.auth_after_redirect system.iwa_agentless.redirect`,
  },
  'session-started': {
    rules: `
      *.token.grant *.token.grant.* *.signon *_creds.issue`,
    names: `
      app.oauth2.token.oauth_sts.request_token pam.auth_token.issue user.authentication.sso
      user.device_session.start user.session.access_admin_app`,
  },
  'privileged-session': {
    names: `
      user.account.access_support_user_app user.session.impersonation.initiate`,
  },
  'session-revoked': {
    rules: `
      *.universal_logout* *.token.revoke *.token.revoke.*`,
    names: `
      user.session.clear user.session.expire`,
  },
  'password-changed': {
    rules: `
      *update_password *change_password *user_password *push*_password *.password.change *password_change.*
      *password_rotation*`,
    names: `
      application.user_membership.restore_password pam.service_account.password.update`,
  },
  'password-reset': {
    rules: `
      *reset_password *expire_password *password_mass_expiry *.reset_user_password *.password.reset`,
  },
  'challenge-sent': {
    rules: `
      *send_factor_verify* *verification_message *verification_call *verify_message *mfa_challenge*`,
    names: `
      device.custom_push.send_notification security.protected_action.attempt system.mfa.preregister.initiate
      system.voice.send_call user.identity_verification.start`,
  },
  'factor-verified': {
    names: `
      system.email.challenge_factor_redeemed user.authentication.auth_via_mfa user.authentication.verify
      user.identity_verification user.mfa.okta_verify`,
  },
  'factor-added': {
    rules: `
      *_mfa.enrollment.create *_sync.enrollment.create *_sso.enrollment.create`,
    names: `
      user.mfa.factor.activate user.mfa.factor.unsuspend user.mfa.promote_enrollment`,
  },
  'factor-removed': {
    rules: `
      user.mfa.factor.reset*`,
    names: `
      user.mfa.factor.deactivate user.mfa.factor.suspend`,
  },
  granted: {
    rules: `
      *.consent.grant *.impersonation.grant *.impersonation.extend *.permissions.add *.resources.add
      *auth_server.add *sign_on_provider.add *trusted_server.add *capability.add *.debugger.grant
      *.debugger.extend *.lifecycle.authorize`,
    names: `
      app.cross_app_access.connection.create app.interclient_mapping.create
      pam.entitlement_sudo.add_to_project pam.preauthorization.create security.trusted_origin.activate
      security.trusted_origin.create workflows.user.connection.create workflows.user.connection.reauthorize
      workload_principal.delegation_link.create workload_principal.resource_connection.activate
      workload_principal.resource_connection.create`,
  },
  revoked: {
    rules: `
      *.consent.revoke *.consent.revoke.* *.impersonation.revoke *.permissions.delete *.resources.delete
      *auth_server.remove *sign_on_provider.remove *trusted_server.delete *capability.remove
      *.debugger.revoke *.lifecycle.revoke`,
    names: `
      app.cross_app_access.connection.delete app.interclient_mapping.delete
      app.interclient_mapping.delete_all application.account.decision.revoke
      application.provision.user.remove_entitlements application.provision.user.remove_entitlements.schedule
      pam.entitlement_sudo.remove_from_project security.trusted_origin.deactivate
      security.trusted_origin.delete workflows.user.connection.delete workflows.user.connection.revoke
      workload_principal.delegation_link.delete workload_principal.resource_connection.deactivate
      workload_principal.resource_connection.delete`,
  },
  'role-assigned': {
    rules: `
      *.privilege.grant *.bindings.add *membership.add *application_assignment.add *.role.*.add *.assign`,
    names: `
      app.ad.password_migration_campaign.group.add application.user_membership.provision
      application.user_membership.restore device.user.add pam.member.add pam.project.add_group`,
  },
  'role-revoked': {
    rules: `
      *.privilege.revoke *.bindings.delete *membership.remove *application_assignment.remove *.role.*.remove
      *.unassign`,
    names: `
      account.org_group.org.revoke application.provision.user.deprovision
      application.user_membership.deprovision application.user_membership.revoke device.user.remove
      group.user_membership.rule.add_exclusion pam.member.remove pam.project.remove_group
      system.identity_sources.group.user.revoke`,
  },
  'access-changed': {
    names: `
      app.cross_app_access.connection.update application.provision.group_membership.update
      application.user_membership.update group.application_assignment.update
      iam.policy.assignee_configuration.update iam.policy.configuration.update
      iam.resourceset.resources.update iam.resourceset.update iam.role.update pam.entitlement_sudo.update
      pam.group.bulk_membership_change pam.permission.change pam.preauthorization.update pam.server.reassign
      resource.owner.update resource.user_entitlements.drift.revert resource.user_entitlements.update
      resource_servers.api_server.auth_server.update resource_servers.mcp_server.auth_server.update
      resource_servers.virtual_mcp_server.capability.update user.account.update_user_type user.realm.update
      workload_principal.resource_connection.update`,
  },
  'access-widened': {
    names: `
      iam.role.permission.conditions.delete system.idp.lifecycle.create`,
  },
  'access-narrowed': {
    names: `
      iam.role.permission.conditions.add system.idp.lifecycle.delete`,
  },
  'access-allowed': {
    names: `
      pam.security_policy.evaluate policy.auth_reevaluate.enforce policy.continuous_access.evaluate
      policy.entity_risk.evaluate policy.evaluate_sign_on`,
  },
  'access-denied': {
    rules: `
      *unauth_app_access* *.deny_access *no_permission *request_outside_allowed_range`,
    names: `
      app.oauth2.as.authorize.scope_denied app.radius.info_access.partial_permission`,
  },
  'access-requested': {
    rules: `
      *request.create *request.request *.request`,
    names: `
      analytics.reports.export.request app.request_new.notify pam.team_invitation.create`,
  },
  'request-approved': {
    rules: `
      *request*.grant *federation.approve *.approver.approve`,
    names: `
      application.user_membership.approve`,
  },
  'request-refused': {
    rules: `
      *request*.reject *request*.deny *.approver.deny`,
  },
  'request-ended': {
    rules: `
      *request.cancel *request.expire *request.delete *.delete.cancel`,
  },
  'account-suspended': {
    rules: `
      *.lifecycle.deactivate *.lifecycle.suspend *.user.deactivate`,
    names: `
      oauth2.as.deactivated pki.cert.lifecycle.hold resource_servers.api_server.deactivate
      resource_servers.mcp_server.deactivate scheduled_action.user_suspension.completed
      scheduled_action.user_suspension.scheduled workload_principal.ai_agent.deactivate
      workload_principal.deactivate`,
  },
  'account-restored': {
    rules: `
      *.lifecycle.activate *.lifecycle.unsuspend *.lifecycle.reactivate *.user.activate *.user.reactivate
      *.account.unlock* *.unlock_user_account`,
    names: `
      oauth2.as.activated resource_servers.api_server.activate resource_servers.mcp_server.activate
      scheduled_action.user_suspension.canceled workload_principal.activate
      workload_principal.ai_agent.activate`,
  },
  'credential-created': {
    rules: `
      *api_token.create *api_key.create *credential*.create *credential*.activate *.key.create*
      *.keys.generate *csr.generate *setup_token.create`,
    names: `
      app.app_instance.csr.publish app.keys.clone
      app.oauth2.as.resource_server.credentials.lifecycle.activate app.oauth2.credentials.lifecycle.activate
      app.office365.provisioning_app.create credential.register device.desktop_mfa.recovery_pin.generate
      device.local_account.create device.platform_sso.keys.register device.token.enrollment.create
      pam.secret.create pam.workload_connection.api_key.rotation.create pki.ca.add pki.cert.bind
      pki.cert.issue system.api_token.enable user.credential.enroll workflows.user.truststore.create`,
  },
  'credential-changed': {
    rules: `
      *api_token.update *api_key*.update *.key.update* *.rotate *.rollover *.renew`,
    names: `
      app.office365.provisioning_app_credential.rotate
      application.configuration.update_api_credentials_for_pass_change
      device.desktop_mfa.recovery_pin.rotate_secret device.platform.secret_key.reset
      pam.gateway.setup_token.update pam.secret.move pam.secret.update
      pam.workload_connection.api_key.rotation.activate system.custom_url_domain.cert_renew
      system.custom_url_domain.cert_upload workflows.user.truststore.update`,
  },
  'credential-removed': {
    rules: `
      *api_token.revoke *api_key.revoke *credential*.delete *credential*.deactivate *.key.delete*
      *.keys.delete *csr.revoke *setup_token.delete *_token.delete pki.cert*.revoke`,
    names: `
      app.oauth2.as.resource_server.credentials.lifecycle.deactivate
      app.oauth2.credentials.lifecycle.deactivate credential.revoke pam.apikey.delete pam.secret.delete
      pam.workload_connection.api_key.rotation.delete pki.ca.delete pki.cert.lifecycle.delete
      pki.cert.lifecycle.revoke workflows.user.truststore.delete`,
  },
  'secret-read': {
    rules: `
      *.reveal *show_password*`,
    names: `
      app.ad.password_migration_campaign.user.capture_password app.oauth2.client.read_client_secret
      app.oauth2.token.grant.service_account app.oauth2.token.grant.vaulted_secret
      application.configuration.read_client_secret pam.resource.checkout
      system.idp.lifecycle.read_client_secret`,
  },
  'protection-on': {
    rules: `
      *.mfa.factor.activate security.*.activate *captcha.activate *make_blacklist *add_country_blacklist
      *add_request_blacklist*`,
    names: `
      device.integration.endpoint_security.activate security.authenticator.lifecycle.activate`,
  },
  'protection-off': {
    rules: `
      *.mfa.factor.deactivate security.*.deactivate *captcha.deactivate *remove_blacklist
      *remove_country_blacklist *remove_request_blacklist* *disable_blacklisting`,
    names: `
      device.integration.endpoint_security.deactivate security.authenticator.lifecycle.deactivate
      security.events.provider.delete`,
  },
  'logging-on': {
    rules: `
      *log_stream*.activate`,
    names: `
      event_hook.activated security.events.transmitter.create system.log_stream.lifecycle.activate
      system.log_stream.lifecycle.create workflows.user.flow.execution_history.activate`,
  },
  'logging-off': {
    rules: `
      *log_stream*.deactivate`,
    names: `
      event_hook.deactivated event_hook.deleted security.events.transmitter.delete
      system.log_stream.lifecycle.deactivate system.log_stream.lifecycle.delete
      workflows.user.flow.execution_history.deactivate workflows.user.flow.execution_history.delete`,
  },
  'policy-added': {
    rules: `
      *policy.create *rule.add policy.*.create *policies.create *policy.add *sign_on.rule.create`,
    names: `
      device.posture.check.add policy.branch.rule.activate policy.lifecycle.activate policy.rule.activate
      resource_servers.client_authentication_settings.create security.behavior.settings.create zone.activate
      zone.create`,
  },
  'policy-changed': {
    rules: `
      *policy.update *policies.update policy.*.update security.*.update *.sign_on.update
      *.idp.lifecycle.update oauth2.*.updated *.domain.federation.success`,
    names: `
      app.oauth2.client.lifecycle.update device.desktop_mfa.configuration.update device.posture.check.update
      event_hook.updated pki.ca.scope.mapping.update policy.branch.lifecycle.promote
      policy.branch.lifecycle.rollback policy.lifecycle.overwrite policy.rule.invalidate
      resource_servers.client_authentication_settings.update security.attack_protection.settings.update
      security.behavior.settings.update security.bot_protection.settings.update
      security.protected_action.settings.update security.threat.configuration.update
      system.iwa_agentless.update system.iwa_agentless_kerberos.update system.log_stream.lifecycle.update
      system.rate_limit.configuration.update user.mfa.factor.update
      workflows.user.execution_log_stream_connection.update zone.update`,
  },
  'policy-removed': {
    rules: `
      *policy.delete *policies.delete policy.*.delete policy.*.deactivate *rule.delete`,
    names: `
      device.posture.check.delete network_zone.rule.disabled policy.lifecycle.deactivate
      resource_servers.client_authentication_settings.delete security.behavior.settings.delete
      zone.deactivate zone.delete`,
  },
  'threat-detected': {
    rules: `
      *.detected *.detect *.detect_* *token*reuse*`,
    names: `
      security.attack.start security.internal.dco_malicious_ip_report security.internal.dco_user_risk_report
      user.account.report_suspicious_activity_by_enduser`,
  },
  alert: {
    names: `
      app.ad.api.user_import.account_locked application.account.detect
      pam.server_account.password_change.out_of_band policy.auth_reevaluate.fail
      resource.user_entitlements.drift.detect security.origin.auto_whitelisted
      system.agent.ad.config_change_detected system.agent.ldap.config_change_detected user.account.lock
      user.account.lock.limit`,
  },
  'ip-blocked': {
    names: `
      security.request.blocked`,
  },
  'rate-limited': {
    rules: `
      *rate_limit* *concurrency_limit* *.limit.violation *_limit.violation *_limit.warning`,
    names: `
      app.office365.graph.api.error.rate-limit.exceeded system.ldapi.admin_limit_exceeded`,
  },
  'setting-on': {
    rules: `
      *.enable *.activate *.activated *.enabled *enabled_event`,
    names: `
      application.configuration.enable_delauth_outbound application.configuration.enable_fed_broker_mode
      application.provision.group_push.activate_mapping system.agent.ad.reactivate
      system.agent.connector.reactivate system.custom_email_server.lifecycle.activate
      task.lifecycle.activate`,
  },
  'setting-off': {
    rules: `
      *.disable *.deactivate *.deactivated *.disabled *disabled_event`,
    names: `
      access.request.condition.invalidate application.configuration.disable_delauth_outbound
      application.configuration.disable_fed_broker_mode application.provision.group_push.deactivate_mapping
      application.provision.group_push.mapping.deactivated.source.group.renamed
      system.custom_email_server.lifecycle.deactivate task.lifecycle.deactivate`,
  },
  'setting-changed': {
    rules: `
      *.settings.update *configuration.update *.email.template.* application.configuration.*`,
    names: `
      account.org.product.update account.org.status.update application.provision.field_mapping_rule.change
      application.registration_policy.lifecycle.create application.registration_policy.lifecycle.update
      certification.campaign.context.update directory.mapping.update iam.role.subscriptions.update
      pam.ad_task_settings.create pam.ad_task_settings.update pam.ad_task_settings.update_schedule
      pam.ad_user_sync_task_settings.create pam.ad_user_sync_task_settings.update
      pam.ad_user_sync_task_settings.update_schedule pam.app.update pam.team_settings.update
      support.org.update system.agent.ad.update system.agent.ad.upgrade system.agent.auto_update
      system.agent_pools.auto_update system.brand.update system.captcha.update
      system.custom_email_server.lifecycle.update system.custom_error.update system.custom_signin.update
      system.custom_signout.update system.custom_url_domain.initiate system.custom_url_domain.update
      system.custom_url_domain.verify system.dr.failback system.dr.failover system.email_domain.update
      system.email_domain.verify system.feature.ea_auto_enroll system.iwa.promote_primary system.iwa.update
      system.iwa.use_default system.theme.update system.well_known_uri.update`,
  },
  preference: {
    rules: `
      *preference*`,
    names: `
      user.account.subscriptions.update`,
  },
  read: {
    rules: `
      *.read_* *.view *.verify_exists *.discover`,
    names: `
      app.ad.credential.verify app.ai_agent_provider.credential.validate
      pam.active_directory.account_discovery.complete pam.credential_verification.end
      pam.credential_verification.start plugin.downloaded security.events.provider.receive_event
      system.agent.ad.dirsync.verify system.agent.ad.invoke_dir system.directory.debugger.query_executed
      system.ldapi.search`,
  },
  created: {
    rules: `
      *.create *.created *.add *.register *.enroll mim.createEnrollment.*`,
    names: `
      app.user_management.grouppush.mapping.created.from.rule app.user_management.push_new_user_success
      application.provision.group_push.mapping.created application.provision.user.push
      directory.app_user_profile.bootstrap directory.user_profile.bootstrap mim.command.generic.new
      mim.command.ios.new pam.server_account.discovered policy.branch.lifecycle.create
      system.agent.ldap.create_user_JIT system.email.template.create workflows.user.folder.duplicate`,
  },
  updated: {
    rules: `
      *.update *.updated *.rename *.move *.save *.sync *.execute *.executed app.office365.*
      app.user_management.* application.provision.group_push.* mim.command.*`,
    names: `
      access.request.resolve access.review.action access.review.close access.review.remediate
      access.review.start account.aerial_template_condition.apply account.user.classify
      analytics.feedback.provide app.ad.password_migration_campaign.cancel.end
      app.ad.password_migration_campaign.cancel.start app.ad.password_migration_campaign.finish.end
      app.ad.password_migration_campaign.finish.start app.ad.password_migration_campaign.user.migrate.end
      app.ad.password_migration_campaign.user.migrate.start app.ai_agent_provider.import_staging.confirm
      app.ai_agent_provider.import_staging.ignore app.app_instance.provision_sync_job.completed
      app.app_instance.provision_sync_job.started app.oauth2.as.evaluate.claim app.user_management
      application.account.decision.confirm application.account.decision.ignore application.account.remove
      application.cache.invalidate application.provision.integration.call_api
      application.provision.user.push_profile application.user_membership.change_username
      certification.campaign.close certification.campaign.item.decide certification.campaign.item.remediate
      certification.campaign.launch certification.remediation.open core.el.evaluate
      device.signals.status.timeout directory.realm.assignment.execution_completed
      directory.realm.assignment.execution_started entitlement.migration.complete
      entitlement.migration.start event_hook.delivery event_hook.verified
      group.application_assignment.skip_assignment_reconcile group.user_membership.rule.deactivated
      group.user_membership.rule.evaluation group.user_membership.rule.invalidate
      group.user_membership.rule.trigger inline_hook.response.processed inline_hook.verified
      org.not_configured_origin.redirection.usage pam.integration.health_change pam.resource.checkin.end
      pam.resource.checkin.start pki.ca.expiration.warn plugin.script_status policy.auth_reevaluate.action
      policy.branch.lifecycle.stage policy.branch.lifecycle.update policy.branch.rule.update
      policy.continuous_access.action policy.entity_risk.action policy.execute.user.start
      security.attack.end security.internal.authentication system.agent.ad.invoke-powershell
      system.agent.ad.update_user system.agent.ad.write_ldap system.agent.ldap.update_user
      system.email.bounce.removal system.email.delivery system.internal.classify.user
      system.internal.migrate.appuser system.org.task.remove system.sms.receive_status
      system.voice.receive_status user.account.update_primary_email user.account.update_profile
      user.account.update_secondary_email user.behavior.profile.reset user.chrome.data.clear
      user.internal.authentication.telemetry user.internal.risk.change user.internal.session_context_change
      user.privileged_account.update_profile user.risk.change user.session.context.change
      workflows.user.delegatedflow.run workflows.user.flow.execution.cancel
      workflows.user.flow.version.revert`,
  },
  deleted: {
    rules: `
      *.delete *.deleted *.remove`,
    names: `
      app.office365.user.delete.success app.office365.user.remove.licenses.success
      application.provision.group_push.delete_appgroup
      application.provision.group_push.mapping.and.groups.deleted.rule.deleted
      application.provision.group_push.removed application.provision.user.delete.schedule
      pam.integration.account_rule.delete policy.branch.lifecycle.delete resource.risk_rule.delete
      system.email.template.delete user.lifecycle.delete.completed user.lifecycle.delete.initiated`,
  },
  exported: {
    rules: `
      *.export *.export.* *upload_log *.download`,
    names: `
      mim.streamDevicesCSVDownload system.agent.ad.upload_iwa_log`,
  },
  imported: {
    rules: `
      *.import *.import.* *import_* system.import.* system.identity_sources.bulk_*`,
    names: `
      app.user_management.user_group_import.delete_success
      app.user_management.user_group_import.upsert_success application.configuration.import_schema
      pam.active_directory.account_rule.applied system.agent.ad.realtimesync system.agent.ldap.realtimesync`,
  },
  'message-sent': {
    rules: `
      *.sent_message *.send_*`,
    names: `
      user.account.unlock_token`,
  },
  started: {
    rules: `
      *.go_online *.reconnect *.connect`,
    names: `
      app.radius.agent.listener.succeeded app.radius.agent.port_reaccessible system.agent.ad.start`,
  },
  stopped: {
    rules: `
      *.go_offline *.disconnect`,
  },
  failed: {
    rules: `
      *.error *.error.* *.failed *failure *fail app.office365.api.error.* app.office365*.graph.api.error.*
      app.rum.* *.warn.*`,
    names: `
      app.ldap.import.tracking_attribute_missing app.office365.error.importing.user
      app.office365.service.principal.cleanup.job.invalid.credentials
      app.office365.service.principal.cleanup.job.unable.to.delete.service.principal
      app.office365.user.lifecycle.action.failed app.radius.agent.port_inaccessible
      app.realtimesync.import_failed app.user_management.grouppush.mapping.created.from.rule.error.duplicate
      app.user_management.grouppush.mapping.created.from.rule.error.validation
      app.user_management.grouppush.mapping.created.from.rule.errors
      app.user_management.import.csv.line.error app.user_management.update_from_master_failed
      app.user_management.user_group_import.create_failure
      app.user_management.user_group_import.update_failure app.user_management.user_group_import.upsert_fail
      application.appuser.mapping.invalid.expression application.configuration.detect_error
      application.integration.api_query application.integration.transfer_files
      application.provision.group_push.mapping.app.group.renamed.failed
      application.provision.group_push.mapping.created.from.rule.warning.duplicate.name
      application.provision.group_push.mapping.created.from.rule.warning.duplicate.name.tobecreated
      application.provision.group_push.mapping.deactivated.source.group.renamed.failed
      application.provision.group_push.mapping.update.or.delete.failed
      application.provision.group_push.mapping.update.or.delete.failed.with.error
      application.provision.user.password mim.command.generic.error mim.command.ios.error
      mim.command.ios.formaterror user.account.unlock_failure`,
  },
});
