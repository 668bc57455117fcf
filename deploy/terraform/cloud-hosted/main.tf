# The cloud-hosted connector: ConductorOne runs it, this sets it up.
terraform {
  required_version = ">= 1.5"
  required_providers {
    conductorone = {
      source  = "conductorone/conductorone"
      version = ">= 1.0"
    }
  }
}

# Reads CONDUCTORONE_CLIENT_ID and CONDUCTORONE_CLIENT_SECRET from the environment; the
# tenant follows from the client id.
provider "conductorone" {}

resource "conductorone_app" "jumpcloud" {
  display_name = var.app_name
  description  = "Accounts, groups, applications and admin roles of a JumpCloud organization"
}

resource "conductorone_integration_jumpcloud" "jumpcloud" {
  app_id            = conductorone_app.jumpcloud.id
  user_ids          = var.owner_user_ids
  jumpcloud_api_key = var.jumpcloud_api_key
}
