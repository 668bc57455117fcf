variable "namespace" {
  description = "Namespace of the connector; it must exist."
  type        = string
  default     = "conductorone"
}

variable "image" {
  description = "Image to run, by version and, better, by digest too: NAME:v1.2.3@sha256:..."
  type        = string
  default     = "ghcr.io/conductorone/baton-jumpcloud:v0.1.0"
  validation {
    condition     = !endswith(var.image, ":latest")
    error_message = "Name a version: latest can be another program tomorrow."
  }
}

variable "conductorone_client_id" {
  description = "Client ID that Rotate in ConductorOne's connector settings shows."
  type        = string
}

variable "conductorone_client_secret" {
  description = "Client secret that belongs to it. Set it as TF_VAR_conductorone_client_secret."
  type        = string
  sensitive   = true
}

variable "jumpcloud_api_key" {
  description = "JumpCloud API key. Set it as TF_VAR_jumpcloud_api_key."
  type        = string
  sensitive   = true
}

variable "provisioning" {
  description = "Let ConductorOne change access to the resource types of provision_types."
  type        = bool
  default     = false
}

variable "provision_types" {
  description = "Resource types that ConductorOne may change: user, group, app, role."
  type        = list(string)
  default     = ["group"]
}
