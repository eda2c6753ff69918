import { createCatalogue } from './meanings.ts';

/**
 * The meanings of GitHub's audit log actions, by their published descriptions: github/docs,
 * src/audit-logs/data/shared/entries.json, commit 3c9bed0f (1,194 actions of users, organizations and enterprises; CC BY
 * 4.0). Only the names are GitHub's. test/import/catalogues/github.tsv lists the meaning of each action, read from the
 * descriptions independently of these rules; a test compares this table with it.
 */
export const GITHUB_ACTIONS = createCatalogue({
  login: {
    rules: `
      *recovery_code_used *sso_response`,
    names: `
      user.login user.two_factor_recover`,
  },
  'login-unusual': {
    rules: `
      user.sign_in_from_*`,
    names: `
      user.new_device_used`,
  },
  'login-failed': {
    rules: `
      *failed_login* *recovery_code_failed user.*_challenge_failure`,
    names: `
      user.device_verification_failure`,
  },
  logout: {
    names: `
      user.logout`,
  },
  'session-revoked': {
    rules: `
      *revoke_sso_session`,
    names: `
      account_recovery_token.destroy`,
  },
  'password-changed': {
    rules: `
      *change_password`,
  },
  'password-reset': {
    rules: `
      *reset_password`,
    names: `
      account_recovery_token.recover two_factor_account_recovery.complete`,
  },
  'password-reset-requested': {
    rules: `
      *forgot_password`,
    names: `
      two_factor_account_recovery.start`,
  },
  'challenge-sent': {
    rules: `
      user.correct_password_from_* user.*_requested *fallback_sms`,
  },
  'factor-verified': {
    rules: `
      user.*_challenge_success`,
    names: `
      user.device_verification_success`,
  },
  'factor-added': {
    rules: `
      two_factor_authentication.add* *key.register *device.register`,
    names: `
      two_factor_authentication.enabled`,
  },
  'factor-removed': {
    rules: `
      two_factor_authentication.remove* *key.remove *device.remove`,
    names: `
      two_factor_account_recovery.two_factor_destroy two_factor_authentication.disabled`,
  },
  granted: {
    rules: `
      *_access_granted *_access_allowed *repositories_added *_installation.create *_authorization.create
      *.grant *access_approved *bypass_list.add *.access_granted`,
    names: `
      codespaces.allow_permissions copilot.swe_agent_repo_enabled copilot.user_access_reinstated
      integration_installation.unsuspend mcp_registry.allowlist_add_server mcp_registry.allowlist_assign
      org.accept_business_invitation org.oauth_app_access_unblocked protected_branch.branch_allowances
      repo.override_unlock repo.staff_unlock user.grant_github_developer`,
  },
  revoked: {
    rules: `
      *access_revoked *repositories_removed *_installation.destroy *_installation.suspend
      *_authorization.destroy *_authorization.revoke *.deauthorize *oauth_app_access_denied
      *bypass_list.remove *revoke_external_identity *revoke_all_tokens *revoke_tokens`,
    names: `
      copilot.swe_agent_repo_disabled external_identity.deprovision mcp_registry.allowlist_remove_assignment
      mcp_registry.allowlist_remove_server org.oauth_app_access_blocked successor_invitation.revoke`,
  },
  'role-assigned': {
    rules: `
      *add_member *add_*manager *add_*collaborator *add_admin *manager_added *_role.assign
      *_collaborator.add *promote* *.restore_member team.add_* enterprise_team.add_*
      organization_moderators.add_* *_invitation.accept *seat_added *seat_assignment_*`,
    names: `
      business.add_support_entitlee enterprise_team.copilot_assignment`,
  },
  'role-changed': {
    rules: `
      *update_member *_collaborator.update *update_*_permission`,
  },
  'role-revoked': {
    rules: `
      *remove_member *remove_*manager *remove_*collaborator *remove_admin *manager_removed *_role.revoke
      *_collaborator.remove *demote* team.remove_* organization_moderators.remove_* *seat_cancelled*`,
    names: `
      business.remove_support_entitlee copilot.cfb_seat_assignment_unassigned
      enterprise_team.copilot_unassignment`,
  },
  'access-changed': {
    rules: `
      *_role.update *role.update *default_repository_permission *_invitation_permission
      *_creation_permission *workflow_permissions *workflow_permission_can_approve_pr *pr_approvals_policy
      *fork_pr_workflows_policy *authorized_users_teams *restricted_users_teams *visiblity_updated
      *visibility_change hook.*_changed *pattern_configuration.* *enablement_changed`,
    names: `
      business.clear_members_can_create_repos codespaces.trusted_repositories_access_update
      copilot.cfb_seat_management_changed copilot.content_exclusion_changed
      copilot.swe_agent_firewall_allowlist_updated copilot.swe_agent_mcp_config_updated
      copilot.swe_agent_repo_enablement_updated dependabot_repository_access.default_access_level_updated
      dependabot_repository_access.repositories_updated enterprise.runner_group_updated integration.transfer
      integration_installation.version_updated mcp_registry.allowlist_set_server_entries
      mcp_registry.allowlist_update oauth_application.transfer org.codespaces_access_updated
      org.runner_group_updated project.access project.update_org_permission repo.access repo.transfer
      repo.transfer_outgoing repo.update_actions_access_settings team.change_parent_team team.change_privacy`,
  },
  'access-widened': {
    rules: `
      members_can_*.enable *members_can_*.enable *enable_*_creation_permission *visibility_public
      *pages_public *.disable_*_only *disable_sockpuppet_disallowed *deletes_enabled
      *access_requests_from_outside_collaborators_enabled *forking.enable *visibility_change.enable`,
    names: `
      auto_approve_personal_access_token_requests.enable enterprise.config.enable_anonymous_git_access
      personal_access_token.auto_approve_grant_requests_disabled`,
  },
  'access-narrowed': {
    rules: `
      *members_can_*.disable *disable_*_creation_permission *visibility_private *pages_private
      *.enable_*_only *enable_sockpuppet_disallowed *deletes_disabled
      *access_requests_from_outside_collaborators_disabled *forking.disable *visibility_change.disable`,
    names: `
      auto_approve_personal_access_token_requests.disable enterprise.config.disable_anonymous_git_access
      personal_access_token.auto_approve_grant_requests_enabled repo.collaborators_only
      repo.hide_from_discovery repo.noindex repo.require_login`,
  },
  'access-denied': {
    rules: `
      *_unsatisfied`,
    names: `
      protected_branch.rejected_ref_update workflows.actions_policy_violation`,
  },
  'access-requested': {
    rules: `
      *invite_* *_invitation.create *_requested *.request_created *request.request *_request.*create`,
  },
  'request-approved': {
    rules: `
      *_request.approve *_approved *.approve_*job *.staff_approve`,
    names: `
      org.confirm_business_invitation`,
  },
  'request-refused': {
    rules: `
      *_request.deny *_denied *_invitation.reject *_invitation.decline *.staff_decline`,
    names: `
      workflows.reject_workflow_job`,
  },
  'request-ended': {
    rules: `
      *_request.cancel *cancel_*invitation *_invitation.cancel *request_cancelled *_request.close`,
    names: `
      successor_invitation.destroy two_factor_account_recovery.abort two_factor_account_recovery.ignore`,
  },
  'account-suspended': {
    rules: `
      *.suspend *.block_user`,
    names: `
      repo.disable`,
  },
  'account-restored': {
    rules: `
      *.unsuspend *.unblock_user`,
    names: `
      repo.enable`,
  },
  'credential-created': {
    rules: `
      *create_*_secret *generate_client_secret *key.create *_token.create *_access.create
      *certificate_authority.create *recovery_codes_generated`,
    names: `
      account_recovery_token.confirm codespaces.connect public_key.verify sandbox.generate_token`,
  },
  'credential-changed': {
    rules: `
      *update_*_secret *reset_secret *regenerate* *credentials`,
  },
  'credential-removed': {
    rules: `
      *remove_*_secret *remove_client_secret *key.delete *key.destroy *_token.destroy *_access.destroy
      *certificate_authority.destroy *_access.revoke`,
    names: `
      personal_access_token.credential_revoked public_key.unverify`,
  },
  'secret-read': {
    rules: `
      *recovery_codes_downloaded *recovery_codes_printed *recovery_codes_viewed`,
    names: `
      staff.dependabot_debug_credentials_generated`,
  },
  'protection-on': {
    rules: `
      *secret_scanning*enable* *dependabot*enable* *dependency_graph*.enable *advanced_security*enabled*
      *code_scanning*enabled *codeql_enabled ip_allow_list.enable* *private_vulnerability_reporting*.enable
      *protection*.enable *_ruleset.create *alerts.enable *_security.enable *_updates.enable *enable_saml
      *enable_oidc *enable_two_factor_requirement *oauth_app_restrictions *add_disallowed_two_factor_method
      *certificate_requirement.enable *access_restriction_enabled *security_header_enabled
      *add_protection_rule *settings_enabled *https_redirect_enabled`,
    names: `
      ip_allow_list.disable_skip_idp_ip_allowlist_app_access org.saml_enabled
      personal_access_token.expiration_limit_set protected_branch.create
      repository_security_configuration.applied repository_vulnerability_alerts_auto_dismissal.disable
      required_status_check.create restrict_notification_delivery.enable sso_lockdown.enable`,
  },
  'protection-off': {
    rules: `
      *secret_scanning*disable* *dependabot*disable* *dependency_graph*.disable *advanced_security*disabled*
      *code_scanning*disabled *codeql_disabled ip_allow_list.disable_*
      *private_vulnerability_reporting*.disable *protection*.disable *_ruleset.destroy *alerts.disable
      *_security.disable *_updates.disable *disable_oauth_app_restrictions
      *remove_disallowed_two_factor_method *clear_disallowed_two_factor_methods
      *certificate_requirement.disable *access_restriction_disabled *security_header_disabled
      *remove_protection_rule *settings_disabled *https_redirect_disabled *custom_pattern.delete
      security_configuration*.delete *security_configuration.removed*`,
    names: `
      ip_allow_list.enable_skip_idp_ip_allowlist_app_access personal_access_token.expiration_limit_unset
      protected_branch.destroy repo.code_scanning_configuration_for_branch_deleted
      repository_vulnerability_alerts_auto_dismissal.enable required_status_check.destroy
      restrict_notification_delivery.disable`,
  },
  'protection-bypassed': {
    rules: `
      *.bypass *bypass_protection_rules`,
    names: `
      protected_branch.policy_override secret_scanning_push_protection_request.complete`,
  },
  'guard-off': {
    rules: `
      *disable_saml *disable_oidc *disable_two_factor_requirement`,
    names: `
      ip_allow_list.disable org.saml_disabled sso_lockdown.disable`,
  },
  'logging-on': {
    rules: `
      *log_streaming.create *enable_source_ip_disclosure`,
  },
  'logging-off': {
    rules: `
      *log_streaming.destroy *disable_source_ip_disclosure`,
  },
  'policy-changed': {
    rules: `
      *.clear *_policy_update protected_branch.* *saml_provider_settings *actions_settings *_ruleset.update
      *_runners_policy *custom_pattern.update *custom_pattern.publish *security_configuration*.update
      *_protection_rule *auto_approve_grant_requests_*`,
    names: `
      audit_log_streaming.update business.dependabot_alerts_repo_admin_enablement_policy_update
      business.update_unaffiliated_users_policy copilot.code_review_repository_settings_updated
      ip_allow_list.update_ip_allowlist_configuration ip_allow_list_entry.update
      issues.deletes_policy_cleared mcp_registry.settings_update org.update_custom_images_policy
      org.update_immutable_releases_settings_policy personal_access_token.access_restriction_reset
      repo.codeql_updated two_factor_authentication.update_fallback vulnerability_alert_rule.update`,
  },
  'ip-allowed': {
    rules: `
      *allow_list_entry.create`,
  },
  'ip-disallowed': {
    rules: `
      *allow_list_entry.destroy`,
  },
  'hook-added': {
    names: `
      hook.create`,
  },
  'threat-detected': {
    rules: `
      *_alert.create *.alert_created *alert_appeared* *_alert.reintroduce *_leak`,
    names: `
      code_scanning.alert_reappeared secret_scanning_alert.report`,
  },
  alert: {
    names: `
      user_session.country_change`,
  },
  'rate-limited': {
    rules: `
      *rate_limit_exceeded *rate_limited*`,
  },
  'finding-reopened': {
    rules: `
      *_alert.reopen *_alert.auto_reopen *alert_reopened*`,
  },
  'finding-updated': {
    rules: `
      *_alert.assign *_alert.unassign *_alert.validate`,
  },
  'finding-dismissed': {
    rules: `
      *_alert.dismiss *_alert.auto_dismiss *alert_closed_by_user`,
  },
  'finding-closed': {
    rules: `
      *alert_closed_became_* *_alert.resolve *_alert.withdraw`,
    names: `
      secret_scanning_alert.revoke`,
  },
  'setting-on': {
    rules: `
      *.enable *.enabled *_enabled *enable_workflow *.force_enable *.enable_* *usage_unlock`,
    names: `
      business_secret_scanning_push_protection_custom_message.enable
      org.secret_scanning_push_protection_custom_message_enabled`,
  },
  'setting-off': {
    rules: `
      *.disable *.disabled *_disabled *disable_workflow *.force_disable *.disable_* *usage_lock`,
    names: `
      business_secret_scanning_push_protection_custom_message.disable
      org.secret_scanning_push_protection_custom_message_disabled`,
  },
  'setting-changed': {
    rules: `
      *.set_* *_settings_changed *.change_*setting *policy_group_* *retention_limit *rate_limit`,
    names: `
      billing.overage_policy_updated business_secret_scanning_push_protection_custom_message.update
      codespaces.business_enablement_updated merge_queue.update_settings org.codespaces_ownership_updated
      org.secret_scanning_push_protection_custom_message_updated
      org.update_new_repository_default_branch_setting organization_projects_change.clear
      repository_projects_change.clear team_discussions.clear`,
  },
  preference: {
    names: `
      copilot.memory_user_opt_out user.hide_private_contributions_count
      user.show_private_contributions_count user.toggle_warn_private_email
      user.update_new_repository_default_branch_setting`,
  },
  read: {
    names: `
      audit_log_streaming.check git.clone git.fetch`,
  },
  created: {
    rules: `
      *.create *.runner_group_created *_create *.provision`,
    names: `
      billing.budget_create billing.cost_center_create business.restore copilot.custom_instructions_created
      copilot.knowledge_base_created enterprise.configure_self_hosted_jit_runner
      enterprise.register_self_hosted_runner enterprise_installation.create
      environment.create_actions_variable marketplace_listing.create marketplace_listing_plan.create
      org.configure_self_hosted_jit_runner org.create_actions_variable org.recreate
      org.register_self_hosted_runner pull_request.create repo.configure_self_hosted_jit_runner
      repo.create_actions_variable repo.register_self_hosted_runner repo.restore social_identity.linked
      sponsors.sponsor_sponsorship_create sponsors.sponsored_developer_create
      sponsors.sponsors_patreon_user_create user.recreate workflows.created_workflow_run`,
  },
  updated: {
    rules: `
      *.update *.rename *.pinned *.unpinned *.close *_updated *.update_* billing.* pull_request.* sponsors.*
      issue* sub_issues.* merge_queue.* marketplace_* workflows.* *_limit_warning *_limit_reached
      repository_limit.* packages.*_published repository_advisory.* *.verify *.transfer business.*trial*`,
    names: `
      account.billing_date_change account.plan_change advisory_credit.accept advisory_credit.decline
      billing_customer.azure_subscription_linked billing_customer.azure_subscription_unlinked
      business.add_organization business.change_seats_plan_type business.remove_organization
      business.rename_slug business.upgrade_from_organization codespaces.attempted_to_create_from_prebuild
      codespaces.restore codespaces.start_environment codespaces.suspend_environment
      copilot.clickwrap_save_event copilot.plan_changed copilot.plan_downgrade_scheduled
      enterprise.runner_group_renamed enterprise.runner_group_runner_removed
      enterprise.runner_group_runners_added enterprise_domain.approve external_group.link
      external_group.scim_api_success external_group.unlink external_identity.scim_api_success git.push
      org.archive org.billing_signup_error org.required_workflow_update org.runner_group_renamed
      org.runner_group_runner_removed org.runner_group_runners_added org.transfer_outgoing org.transform
      org.unarchive organization_domain.approve prebuild_configuration.run_triggered project.link
      project.open project.unlink pull_request.close pull_request_review.dismiss pull_request_review.submit
      repo.add_topic repo.archived repo.disk_archive repo.pages_build repo.pages_cname
      repo.pages_soft_delete_restore repo.pages_source repo.remove_topic repo.rename_branch
      repo.transfer_start repo.unarchived sandbox.add_port sandbox.remove_port sandbox.resume sandbox.stop
      secret_scanning_scan.completed staff.set_domain_token_expiration staff.unverify_domain
      staff.verify_domain user.add_email user.flag_as_large_scale_contributor user.minimize_comment
      user.partial_two_factor_email_followup user.remove_email user.remove_large_scale_contributor_flag
      user.report_abuse user.report_content user.unminimize_comment user_email.confirm_claim
      user_email.mark_as_unclaimed`,
  },
  deleted: {
    rules: `
      *.destroy *.delete *.remove *.delete_* *_deleted *_delete *_destroy *.runner_group_removed *.destroy_*
      *.remove_*`,
    names: `
      billing.budget_delete billing.cost_center_delete enterprise_installation.destroy
      social_identity.unlinked social_identity.unlinked_all sponsors.sponsors_patreon_user_destroy
      workflows.delete_workflow_run`,
  },
  destroyed: {
    names: `
      business.delete org.async_delete org.delete repo.destroy team.destroy`,
  },
  exported: {
    rules: `
      *_export *_export_* *.download *.download_*`,
    names: `
      business.enterprise_server_license_download codespaces.export_environment`,
  },
  imported: {
    rules: `
      *.import_*`,
  },
  started: {
    rules: `
      *runner_online`,
  },
  stopped: {
    rules: `
      *runner_offline`,
  },
  failed: {
    rules: `
      *_failure *.failed *verification_failed`,
  },
});
