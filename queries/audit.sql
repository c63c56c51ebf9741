-- The trail of who did what.

-- name: record_action(action, entity_type, entity_id, user_id, details)!
-- In the transaction that does what it tells of, so that neither is there without the other.
-- nullable: entity_type, entity_id, user_id
insert into audit_log (action, entity_type, entity_id, user_id, details)
values (:action, :entity_type, :entity_id, :user_id, :details);
