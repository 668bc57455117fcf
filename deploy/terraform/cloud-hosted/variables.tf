variable "app_name" {
  description = "Name of the application in ConductorOne."
  type        = string
  default     = "JumpCloud"
}

variable "owner_user_ids" {
  description = "ConductorOne ids of the users who own the connector."
  type        = list(string)
}

variable "jumpcloud_api_key" {
  description = "JumpCloud API key (My API Key in the admin console). Set it as TF_VAR_jumpcloud_api_key, never in a file."
  type        = string
  sensitive   = true
}
