-- Lets Grafana read the views of pmo-watch and nothing else (PostgreSQL; run it as the owner of the database, once the
-- daemon has been started: it makes the views). Set the password afterwards: \password grafana_ro
CREATE ROLE grafana_ro LOGIN;
GRANT USAGE ON SCHEMA pmo_watch TO grafana_ro;
GRANT SELECT ON pmo_watch.grafana_alert_annotations, pmo_watch.grafana_alerts, pmo_watch.grafana_rag_history,
  pmo_watch.grafana_milestones, pmo_watch.grafana_kpi_history, pmo_watch.grafana_messages TO grafana_ro;
ALTER ROLE grafana_ro SET statement_timeout = '15s';
ALTER ROLE grafana_ro SET default_transaction_read_only = on;
