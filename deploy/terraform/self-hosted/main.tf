# The self-hosted connector on a Kubernetes cluster: one Secret, one Deployment.
terraform {
  required_version = ">= 1.5"
  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = ">= 2.30"
    }
  }
}

locals {
  name   = "baton-jumpcloud"
  labels = { app = local.name }
  secret = merge(
    {
      BATON_CLIENT_ID     = var.conductorone_client_id
      BATON_CLIENT_SECRET = var.conductorone_client_secret
      BATON_API_KEY       = var.jumpcloud_api_key
    },
    var.provisioning ? { BATON_PROVISIONING = "true", BATON_PROVISION_TYPES = join(",", var.provision_types) } : {},
  )
}

resource "kubernetes_secret_v1" "credentials" {
  metadata {
    name      = "${local.name}-secrets"
    namespace = var.namespace
    labels    = local.labels
  }
  data = local.secret
}

resource "kubernetes_persistent_volume_claim_v1" "state" {
  metadata {
    name      = "${local.name}-state"
    namespace = var.namespace
    labels    = local.labels
  }
  wait_until_bound = false
  spec {
    access_modes = ["ReadWriteOnce"]
    resources {
      requests = { storage = "5Gi" }
    }
  }
}

resource "kubernetes_deployment_v1" "connector" {
  metadata {
    name      = local.name
    namespace = var.namespace
    labels    = local.labels
  }
  spec {
    replicas = 1
    strategy {
      type = "Recreate"
    }
    selector {
      match_labels = local.labels
    }
    template {
      metadata {
        labels = merge(local.labels, { baton = "true", "baton-app" = "jumpcloud" })
        # Rolls the pod when a credential changes.
        annotations = { "checksum/secret" = sha256(jsonencode(local.secret)) }
      }
      spec {
        automount_service_account_token  = false
        termination_grace_period_seconds = 40
        security_context {
          run_as_non_root = true
          run_as_user     = 65532
          run_as_group    = 65532
          fs_group        = 65532
          seccomp_profile {
            type = "RuntimeDefault"
          }
        }
        container {
          name              = local.name
          image             = var.image
          image_pull_policy = "IfNotPresent"
          env_from {
            secret_ref {
              name = kubernetes_secret_v1.credentials.metadata[0].name
            }
          }
          dynamic "env" {
            for_each = {
              BATON_HOST_ID                   = local.name
              BATON_STATE_DIR                 = "/var/lib/baton-jumpcloud"
              BATON_HEALTH_CHECK              = "true"
              BATON_HEALTH_CHECK_BIND_ADDRESS = "0.0.0.0"
            }
            content {
              name  = env.key
              value = env.value
            }
          }
          port {
            name           = "health"
            container_port = 8081
          }
          liveness_probe {
            http_get {
              path = "/live"
              port = "health"
            }
            period_seconds    = 10
            timeout_seconds   = 5
            failure_threshold = 6
          }
          readiness_probe {
            http_get {
              path = "/ready"
              port = "health"
            }
            period_seconds  = 10
            timeout_seconds = 5
          }
          resources {
            requests = { cpu = "100m", memory = "128Mi" }
            limits   = { memory = "512Mi" }
          }
          security_context {
            allow_privilege_escalation = false
            read_only_root_filesystem  = true
            capabilities {
              drop = ["ALL"]
            }
          }
          volume_mount {
            name       = "state"
            mount_path = "/var/lib/baton-jumpcloud"
          }
        }
        volume {
          name = "state"
          persistent_volume_claim {
            claim_name = kubernetes_persistent_volume_claim_v1.state.metadata[0].name
          }
        }
      }
    }
  }
}
