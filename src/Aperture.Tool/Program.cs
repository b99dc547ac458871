return Aperture.Tool.Conform.ConformCommand.Create().Parse(args is ["conform", .. var rest] ? rest : args).Invoke();
