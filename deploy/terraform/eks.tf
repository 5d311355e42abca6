# SPDX-License-Identifier: Apache-2.0
# Roles for pods. By IRSA a role is taken with the token of a service account: both the account (sub) and who the token
# is for (aud) are conditions; without the first every pod of the cluster could take it. By Pod Identity EKS says the same
# in tags of the session.
locals {
  oidc_provider_arn = try(var.eks.oidc_provider_arn, null)
  issuer            = local.oidc_provider_arn == null ? "" : split(":oidc-provider/", local.oidc_provider_arn)[1]

  service_accounts = var.eks == null ? {} : merge(
    { relay = var.eks.relay_service_account },
    length(var.queues) > 0 ? { consumer = var.eks.consumer_service_account } : {},
  )

  role_policies = var.eks == null ? {} : merge(
    { relay = { role = "relay", policy = aws_iam_policy.relay.arn }, check = { role = "relay", policy = aws_iam_policy.check.arn } },
    length(var.queues) > 0 ? { consumer = { role = "consumer", policy = one(aws_iam_policy.consumer[*].arn) } } : {},
  )
}

resource "aws_iam_role" "pod" {
  for_each = local.service_accounts

  name = "${var.name}-${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      local.oidc_provider_arn == null ? [] : [{
        Sid       = "ServiceAccount"
        Effect    = "Allow"
        Principal = { Federated = local.oidc_provider_arn }
        Action    = ["sts:AssumeRoleWithWebIdentity"]
        Condition = {
          StringEquals = {
            "${local.issuer}:sub" = "system:serviceaccount:${var.eks.namespace}:${each.value}"
            "${local.issuer}:aud" = "sts.amazonaws.com"
          }
        }
      }],
      var.eks.cluster == null ? [] : [{
        Sid       = "PodIdentity"
        Effect    = "Allow"
        Principal = { Service = "pods.eks.amazonaws.com" }
        Action    = ["sts:AssumeRole", "sts:TagSession"]
        Condition = {
          StringEquals = {
            "aws:RequestTag/eks-cluster-name"           = var.eks.cluster
            "aws:RequestTag/kubernetes-namespace"       = var.eks.namespace
            "aws:RequestTag/kubernetes-service-account" = each.value
          }
        }
      }],
    )
  })
  tags = var.tags
}

resource "aws_iam_role_policy_attachment" "pod" {
  for_each = local.role_policies

  role       = aws_iam_role.pod[each.value.role].name
  policy_arn = each.value.policy
}

resource "aws_eks_pod_identity_association" "this" {
  for_each = try(var.eks.cluster, null) == null ? {} : local.service_accounts

  cluster_name    = var.eks.cluster
  namespace       = var.eks.namespace
  service_account = each.value
  role_arn        = aws_iam_role.pod[each.key].arn
  tags            = var.tags
}
